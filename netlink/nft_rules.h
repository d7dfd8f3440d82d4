// nftables rules as data. Nothing here talks to the kernel; nft_transaction.h encodes and sends them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "netlink/ip.h"

namespace cella::netlink::nft {

// Which packets a table sees: IPv4 and IPv6 of this host, or every frame that passes its bridges.
enum class Family : std::uint8_t { kInet, kBridge };

// What the packet path compares or does, in order; a rule ends where a comparison fails.
// Register use is fixed: each load goes to register 1 and the next expression reads it.
enum class Meta : std::uint8_t { kInputName, kOutputName, kProtocol, kIpFamily, kTransport };
struct LoadMeta {
  Meta key;
  bool operator==(const LoadMeta&) const = default;
};
enum class Layer : std::uint8_t { kLink, kNetwork, kTransport };
struct LoadPayload {
  Layer layer;
  std::uint32_t offset;  // bytes
  std::uint32_t length;  // bytes
  bool operator==(const LoadPayload&) const = default;
};
struct Mask {
  std::vector<std::uint8_t> bytes;
  bool operator==(const Mask&) const = default;
};
enum class Relation : std::uint8_t { kEqual, kNotEqual };
struct Compare {
  Relation relation;
  std::vector<std::uint8_t> bytes;
  bool operator==(const Compare&) const = default;
};
// Matches once traffic exceeds the rate.
struct RateOver {
  std::uint64_t bytes_per_second;
  std::uint32_t burst_bytes;
  bool operator==(const RateOver&) const = default;
};
// Jumps to the chain that the map named here holds for register 1 (interface name → chain).
struct LookupVerdict {
  std::string map;
  bool operator==(const LookupVerdict&) const = default;
};
struct Masquerade {
  bool operator==(const Masquerade&) const = default;
};
struct SourceNat {
  IpAddress address;
  bool operator==(const SourceNat&) const = default;
};
struct DestinationNat {
  IpAddress address;
  std::uint16_t port;
  bool operator==(const DestinationNat&) const = default;
};
struct Reject {
  bool operator==(const Reject&) const = default;
};
enum class Verdict : std::uint8_t { kAccept, kDrop };

using Expression = std::variant<LoadMeta, LoadPayload, Mask, Compare, RateOver, LookupVerdict, Masquerade, SourceNat,
                                DestinationNat, Reject, Verdict>;
using Rule = std::vector<Expression>;

// An interface's name as nftables compares it: 16 bytes, zero-filled.
std::vector<std::uint8_t> interface_bytes(std::string_view name);

// Builds one rule, match after match: RuleBuilder().input("br0").udp_to(67).accept().
class RuleBuilder {
 public:
  // table: the family of the table the rule is for; it decides how IPv4 is told from IPv6.
  explicit RuleBuilder(Family table = Family::kInet) : table_(table) {}
  RuleBuilder& input(std::string_view interface) { return meta_name(Meta::kInputName, interface); }
  RuleBuilder& output(std::string_view interface) { return meta_name(Meta::kOutputName, interface); }
  // IPv4 or IPv6 packets.
  RuleBuilder& family(IpFamily family);
  // The frame's ethertype, host order (0x0806 for ARP).
  RuleBuilder& ethertype(std::uint16_t type);
  RuleBuilder& source(const IpPrefix& subnet, Relation relation = Relation::kEqual);
  RuleBuilder& destination(const IpPrefix& subnet, Relation relation = Relation::kEqual);
  RuleBuilder& udp_to(std::uint16_t port) { return port_to(17, port); }
  RuleBuilder& tcp_to(std::uint16_t port) { return port_to(6, port); }
  RuleBuilder& udp_from(std::uint16_t port);
  // An ICMPv6 message of one type.
  RuleBuilder& icmp6(std::uint8_t type);
  RuleBuilder& payload(Layer layer, std::uint32_t offset, std::vector<std::uint8_t> bytes,
                       Relation relation = Relation::kEqual);
  RuleBuilder& over(std::uint64_t bytes_per_second, std::uint32_t burst_bytes);

  Rule accept() { return end(Verdict::kAccept); }
  Rule drop() { return end(Verdict::kDrop); }
  Rule reject() { return end(Reject{}); }
  Rule masquerade() { return end(Masquerade{}); }
  Rule source_nat(const IpAddress& address) { return end(SourceNat{address}); }
  Rule destination_nat(const IpAddress& address, std::uint16_t port) { return end(DestinationNat{address, port}); }

 private:
  RuleBuilder& meta_name(Meta key, std::string_view interface);
  RuleBuilder& port_to(std::uint8_t transport, std::uint16_t port);
  RuleBuilder& subnet(const IpPrefix& subnet, std::uint32_t v4_offset, std::uint32_t v6_offset, Relation relation);
  Rule end(Expression last);
  Family table_;
  Rule rule_;
};

}  // namespace cella::netlink::nft
