#include "netlink/nft_transaction.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <memory>
#include <sys/socket.h>

#include "netlink/nft_encode.h"

namespace cella::netlink::nft {
namespace {

constexpr std::size_t kScratchSize = 16 * 1024;
constexpr std::uint32_t kFirstSequence = 1;
constexpr std::uint32_t kInterfaceNameType = 41;  // nft's TYPE_IFNAME, so that `nft list` prints names
constexpr std::uint32_t kNameSize = 16;

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
using ChainPtr = std::unique_ptr<nftnl_chain, Release<nftnl_chain_free>>;
using RulePtr = std::unique_ptr<nftnl_rule, Release<nftnl_rule_free>>;
using SetPtr = std::unique_ptr<nftnl_set, Release<nftnl_set_free>>;

std::uint16_t family_number(Family family) { return family == Family::kInet ? NFPROTO_INET : NFPROTO_BRIDGE; }

std::uint32_t hook_number(Hook hook) {
  static_assert(NF_INET_PRE_ROUTING == 0 && NF_INET_LOCAL_IN == 1 && NF_INET_FORWARD == 2 && NF_INET_LOCAL_OUT == 3 &&
                NF_INET_POST_ROUTING == 4);  // the bridge family has the same numbers
  return static_cast<std::uint32_t>(hook) - 1;
}

nlmsghdr* as_header(Bytes& buffer) {
  // SAFETY: the buffer comes from the allocator, aligned for any type, and begin() put a whole header there.
  return reinterpret_cast<nlmsghdr*>(buffer.data());
}

ChainPtr name_chain(const std::string& table, const std::string& chain) {
  ChainPtr object(::nftnl_chain_alloc());
  ::nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, table.c_str());
  ::nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, chain.c_str());
  return object;
}

void append_bound(Bytes& bytes, std::uint16_t type, std::uint32_t sequence) {
  struct {
    nlmsghdr header;
    nfgenmsg body;
  } bound{};
  bound.header.nlmsg_len = sizeof bound;
  bound.header.nlmsg_type = type;
  bound.header.nlmsg_flags = NLM_F_REQUEST;
  bound.header.nlmsg_seq = sequence;
  bound.body.nfgen_family = AF_UNSPEC;
  bound.body.version = NFNETLINK_V0;
  bound.body.res_id = static_cast<__be16>(NFNL_SUBSYS_NFTABLES << 8);  // big endian
  const auto* first = reinterpret_cast<const std::uint8_t*>(&bound);
  bytes.insert(bytes.end(), first, first + sizeof bound);
}

}  // namespace

Transaction::Transaction(Family family, std::string table) : family_(family), table_(std::move(table)) {}

void Transaction::begin(std::uint16_t type, std::uint16_t flags) {
  scratch_.assign(kScratchSize, 0);
  ::nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(scratch_.data()), type, family_number(family_),
                          static_cast<std::uint16_t>(flags | NLM_F_ACK), 0);
}

void Transaction::finish(std::string label) {
  const std::size_t length = as_header(scratch_)->nlmsg_len;
  messages_.push_back({std::move(label), Bytes(scratch_.begin(), scratch_.begin() + static_cast<std::ptrdiff_t>(length))});
}

void Transaction::ensure_table() {
  begin(NFT_MSG_NEWTABLE, NLM_F_CREATE);
  append_string(NFTA_TABLE_NAME, table_);
  finish("add table " + table_);
}

void Transaction::remove_empty_table() {
  begin(NFT_MSG_DELTABLE, NLM_F_NONREC);
  append_string(NFTA_TABLE_NAME, table_);
  finish("delete table " + table_);
}

void Transaction::add_chain(const Chain& chain) {
  ChainPtr object = name_chain(table_, chain.name);
  if (chain.hook != Hook::kNone) {
    ::nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, hook_number(chain.hook));
    ::nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, chain.priority);
    ::nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, chain.kind == ChainKind::kNat ? "nat" : "filter");
    ::nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  }
  begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  ::nftnl_chain_nlmsg_build_payload(as_header(scratch_), object.get());
  finish("add chain " + chain.name);
}

void Transaction::flush_chain(const std::string& chain) {
  RulePtr object(::nftnl_rule_alloc());
  ::nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, table_.c_str());
  ::nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, chain.c_str());
  begin(NFT_MSG_DELRULE, 0);
  ::nftnl_rule_nlmsg_build_payload(as_header(scratch_), object.get());
  finish("flush chain " + chain);
}

void Transaction::add_rule(const std::string& chain, const Rule& rule) {
  RulePtr object(::nftnl_rule_alloc());
  ::nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, table_.c_str());
  ::nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, chain.c_str());
  add_expressions(object.get(), rule);
  begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  ::nftnl_rule_nlmsg_build_payload(as_header(scratch_), object.get());
  finish("add rule to chain " + chain);
}

void Transaction::ensure_chain(const Chain& chain) { add_chain(chain); }

void Transaction::replace_chain(const Chain& chain) {
  add_chain(chain);
  flush_chain(chain.name);
  for (const Rule& rule : chain.rules) add_rule(chain.name, rule);
}

void Transaction::remove_chain(const Chain& chain) {
  // Adding first makes deleting right whether or not it was there.
  add_chain(chain);
  flush_chain(chain.name);
  ChainPtr object = name_chain(table_, chain.name);
  begin(NFT_MSG_DELCHAIN, 0);
  ::nftnl_chain_nlmsg_build_payload(as_header(scratch_), object.get());
  finish("delete chain " + chain.name);
}

void Transaction::ensure_name_map(const std::string& map) {
  SetPtr object(::nftnl_set_alloc());
  ::nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, table_.c_str());
  ::nftnl_set_set_str(object.get(), NFTNL_SET_NAME, map.c_str());
  ::nftnl_set_set_u32(object.get(), NFTNL_SET_ID, 1);
  ::nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, NFT_SET_MAP);
  ::nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, kInterfaceNameType);
  ::nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN, kNameSize);
  ::nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
  ::nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_LEN, 0);
  begin(NFT_MSG_NEWSET, NLM_F_CREATE);
  ::nftnl_set_nlmsg_build_payload(as_header(scratch_), object.get());
  finish("add map " + map);
}

void Transaction::remove_map(const std::string& map) {
  SetPtr object(::nftnl_set_alloc());
  ::nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, table_.c_str());
  ::nftnl_set_set_str(object.get(), NFTNL_SET_NAME, map.c_str());
  begin(NFT_MSG_DELSET, 0);
  ::nftnl_set_nlmsg_build_payload(as_header(scratch_), object.get());
  finish("delete map " + map);
}

void Transaction::change_element(std::uint16_t type, std::uint16_t flags, const std::string& map,
                                 std::string_view interface, const std::string& chain) {
  SetPtr object(::nftnl_set_alloc());
  ::nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, table_.c_str());
  ::nftnl_set_set_str(object.get(), NFTNL_SET_NAME, map.c_str());
  nftnl_set_elem* element = ::nftnl_set_elem_alloc();
  const auto key = interface_bytes(interface);
  ::nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key.data(), static_cast<std::uint32_t>(key.size()));
  if (!chain.empty()) {
    ::nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_VERDICT, static_cast<std::uint32_t>(NFT_JUMP));
    ::nftnl_set_elem_set_str(element, NFTNL_SET_ELEM_CHAIN, chain.c_str());
  }
  ::nftnl_set_elem_add(object.get(), element);
  begin(type, flags);
  ::nftnl_set_elems_nlmsg_build_payload(as_header(scratch_), object.get());
  finish((type == NFT_MSG_NEWSETELEM ? "add " : "delete ") + std::string(interface) + " in map " + map);
}

void Transaction::map_name(const std::string& map, std::string_view interface, const std::string& chain) {
  change_element(NFT_MSG_NEWSETELEM, NLM_F_CREATE, map, interface, chain);
}

void Transaction::unmap_name(const std::string& map, std::string_view interface) {
  change_element(NFT_MSG_DELSETELEM, 0, map, interface, {});
}

void Transaction::append_string(std::uint16_t attribute, const std::string& text) {
  nlmsghdr* header = as_header(scratch_);
  nlattr head{};
  head.nla_type = attribute;
  head.nla_len = static_cast<std::uint16_t>(sizeof head + text.size() + 1);
  std::uint8_t* tail = scratch_.data() + header->nlmsg_len;
  std::memcpy(tail, &head, sizeof head);
  std::memcpy(tail + sizeof head, text.c_str(), text.size() + 1);
  header->nlmsg_len += static_cast<std::uint32_t>(NLMSG_ALIGN(head.nla_len));
}

Bytes Transaction::encode_from(std::uint32_t first_sequence) const {
  Bytes bytes;
  append_bound(bytes, NFNL_MSG_BATCH_BEGIN, first_sequence);
  std::uint32_t sequence = first_sequence;
  for (const Message& message : messages_) {
    const std::size_t start = bytes.size();
    bytes.insert(bytes.end(), message.bytes.begin(), message.bytes.end());
    ++sequence;
    std::memcpy(bytes.data() + start + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
  }
  append_bound(bytes, NFNL_MSG_BATCH_END, sequence + 1);
  return bytes;
}

Bytes Transaction::encode() const { return encode_from(kFirstSequence); }

Result<void> Transaction::send(Socket& socket) const {
  std::vector<std::string> labels{"begin nftables transaction on table " + table_};
  for (const Message& message : messages_) labels.push_back("nftables " + table_ + ": " + message.label);
  return socket.send_transaction(encode_from(kFirstSequence), kFirstSequence, labels);
}

Result<std::vector<std::string>> list_chains(Socket& socket, Family family, const std::string& table) {
  Batch request;
  request.begin(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP, "list nftables chains");
  nfgenmsg header{};
  header.nfgen_family = static_cast<__u8>(family_number(family));
  request.put_header(header);
  std::vector<std::string> names;
  TRY(socket.dump(request, [&](const MessageView& message) {
    const auto attributes = split_attributes(message.attributes(sizeof(nfgenmsg)));
    const auto* owner = find_attribute(attributes, NFTA_CHAIN_TABLE);
    const auto* name = find_attribute(attributes, NFTA_CHAIN_NAME);
    if (owner != nullptr && name != nullptr && owner->text() == table) names.push_back(name->text());
  }));
  return names;
}

}  // namespace cella::netlink::nft
