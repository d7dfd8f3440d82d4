// An nftables transaction: a list of changes that the kernel makes all at once or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "netlink/nft_rules.h"
#include "netlink/socket.h"

namespace cella::netlink::nft {

enum class Hook : std::uint8_t { kNone, kPrerouting, kInput, kForward, kOutput, kPostrouting };
enum class ChainKind : std::uint8_t { kFilter, kNat };

struct Chain {
  std::string name;
  Hook hook = Hook::kNone;  // kNone: reached by jumps only
  ChainKind kind = ChainKind::kFilter;
  std::int32_t priority = 0;
  std::vector<Rule> rules;
};

// Changes to one table of one family, collected and then sent. Not thread-safe.
// Encoded with libnftnl; every function may be repeated on state that exists already unless said otherwise.
class Transaction {
 public:
  Transaction(Family family, std::string table);

  // The table exists afterwards.
  void ensure_table();
  // The chain exists afterwards and holds exactly these rules.
  void replace_chain(const Chain& chain);
  // The chain exists afterwards; its rules are left alone. Not counted as a change of rules.
  void ensure_chain(const Chain& chain);
  // The chain is gone afterwards, also when it was not there. Nothing may jump to it any more.
  void remove_chain(const Chain& chain);
  // A map from interface name to chain exists afterwards.
  void ensure_name_map(const std::string& map);
  // The map sends this interface to the chain; repeating it is success. Errors when sent: EEXIST or EBUSY if another
  // chain is set for it.
  void map_name(const std::string& map, std::string_view interface, const std::string& chain);
  // Errors when sent: ENOENT when the map has no such interface.
  void unmap_name(const std::string& map, std::string_view interface);
  // The map is gone afterwards. Errors when sent: ENOENT, EBUSY while a rule looks up in it.
  void remove_map(const std::string& map);
  // Removes the table if no chain or map is left in it; sent alone. Errors when sent: EBUSY, ENOENT.
  void remove_empty_table();

  // The bytes as they would be sent, for tests: batch begin, messages, batch end.
  Bytes encode() const;
  // One atomic change. Errors name the first refused message.
  Result<void> send(Socket& socket) const;

 private:
  struct Message {
    std::string label;
    Bytes bytes;  // nlmsghdr and payload; the sequence number is set on sending
  };
  void begin(std::uint16_t type, std::uint16_t flags);
  void append_string(std::uint16_t attribute, const std::string& text);
  void finish(std::string label);
  void add_chain(const Chain& chain);
  void flush_chain(const std::string& chain);
  void add_rule(const std::string& chain, const Rule& rule);
  void change_element(std::uint16_t type, std::uint16_t flags, const std::string& map, std::string_view interface,
                      const std::string& chain);
  Bytes encode_from(std::uint32_t first_sequence) const;

  Family family_;
  std::string table_;
  std::vector<Message> messages_;
  Bytes scratch_;
};

// Names of a table's chains; empty when there is no such table.
Result<std::vector<std::string>> list_chains(Socket& socket, Family family, const std::string& table);

}  // namespace cella::netlink::nft
