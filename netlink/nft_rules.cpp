#include "netlink/nft_rules.h"

namespace cella::netlink::nft {
namespace {

constexpr std::uint8_t kIpv4 = 2;   // NFPROTO_IPV4
constexpr std::uint8_t kIpv6 = 10;  // NFPROTO_IPV6
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmp6 = 58;
constexpr std::uint32_t kNameSize = 16;  // IFNAMSIZ

std::vector<std::uint8_t> big_endian(std::uint16_t value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

std::vector<std::uint8_t> bytes_of(const IpAddress& address) {
  return {address.bytes.begin(), address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size())};
}

}  // namespace

std::vector<std::uint8_t> interface_bytes(std::string_view name) {
  std::vector<std::uint8_t> bytes(name.begin(), name.end());
  bytes.resize(kNameSize);
  return bytes;
}

RuleBuilder& RuleBuilder::meta_name(Meta key, std::string_view interface) {
  rule_.push_back(LoadMeta{key});
  rule_.push_back(Compare{Relation::kEqual, interface_bytes(interface)});
  return *this;
}

RuleBuilder& RuleBuilder::family(IpFamily family) {
  const bool v4 = family == IpFamily::kV4;
  if (table_ == Family::kBridge) return ethertype(v4 ? 0x0800 : 0x86DD);
  rule_.push_back(LoadMeta{Meta::kIpFamily});
  rule_.push_back(Compare{Relation::kEqual, {v4 ? kIpv4 : kIpv6}});
  return *this;
}

RuleBuilder& RuleBuilder::ethertype(std::uint16_t type) {
  rule_.push_back(LoadMeta{Meta::kProtocol});
  rule_.push_back(Compare{Relation::kEqual, big_endian(type)});
  return *this;
}

RuleBuilder& RuleBuilder::subnet(const IpPrefix& subnet, std::uint32_t v4_offset, std::uint32_t v6_offset,
                                 Relation relation) {
  const bool v4 = subnet.address.family == IpFamily::kV4;
  family(subnet.address.family);
  std::vector<std::uint8_t> wanted = bytes_of(subnet_of(subnet).address);
  // Whole bytes are compared as they are, the form `nft list` prints as a prefix.
  const bool whole_bytes = subnet.length % 8 == 0 && subnet.length > 0;
  if (whole_bytes) wanted.resize(subnet.length / 8);
  rule_.push_back(LoadPayload{Layer::kNetwork, v4 ? v4_offset : v6_offset, static_cast<std::uint32_t>(wanted.size())});
  if (!whole_bytes) rule_.push_back(Mask{bytes_of(netmask(subnet))});
  rule_.push_back(Compare{relation, std::move(wanted)});
  return *this;
}

RuleBuilder& RuleBuilder::source(const IpPrefix& prefix, Relation relation) { return subnet(prefix, 12, 8, relation); }

RuleBuilder& RuleBuilder::destination(const IpPrefix& prefix, Relation relation) {
  return subnet(prefix, 16, 24, relation);
}

RuleBuilder& RuleBuilder::port_to(std::uint8_t transport, std::uint16_t port) {
  rule_.push_back(LoadMeta{Meta::kTransport});
  rule_.push_back(Compare{Relation::kEqual, {transport}});
  return payload(Layer::kTransport, 2, big_endian(port));
}

RuleBuilder& RuleBuilder::udp_from(std::uint16_t port) {
  rule_.push_back(LoadMeta{Meta::kTransport});
  rule_.push_back(Compare{Relation::kEqual, {kUdp}});
  return payload(Layer::kTransport, 0, big_endian(port));
}

RuleBuilder& RuleBuilder::icmp6(std::uint8_t type) {
  family(IpFamily::kV6);
  rule_.push_back(LoadMeta{Meta::kTransport});
  rule_.push_back(Compare{Relation::kEqual, {kIcmp6}});
  return payload(Layer::kTransport, 0, {type});
}

RuleBuilder& RuleBuilder::payload(Layer layer, std::uint32_t offset, std::vector<std::uint8_t> bytes,
                                  Relation relation) {
  rule_.push_back(LoadPayload{layer, offset, static_cast<std::uint32_t>(bytes.size())});
  rule_.push_back(Compare{relation, std::move(bytes)});
  return *this;
}

RuleBuilder& RuleBuilder::over(std::uint64_t bytes_per_second, std::uint32_t burst_bytes) {
  rule_.push_back(RateOver{bytes_per_second, burst_bytes});
  return *this;
}

Rule RuleBuilder::end(Expression last) {
  rule_.push_back(std::move(last));
  return std::move(rule_);
}

}  // namespace cella::netlink::nft
