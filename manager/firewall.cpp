#include "manager/firewall.h"

#include <algorithm>
#include <cerrno>

namespace cella::manager {
namespace {

using netlink::IpFamily;
using netlink::IpPrefix;
namespace nft = netlink::nft;
using nft::Relation;
using nft::RuleBuilder;

const std::string kTable = "cella";
const std::string kNicChain = "nics";
const std::string kNicMap = "nics";
const std::string kNicPrefix = "nic.";
constexpr std::int32_t kSourceNatPriority = 100;
constexpr std::int32_t kNicPriority = -300;  // before connection tracking and everything else

RuleBuilder bridge_rule() { return RuleBuilder(nft::Family::kBridge); }

IpPrefix host(const netlink::IpAddress& address) { return {address, address.bits()}; }

void add_service(std::vector<nft::Rule>& rules, const std::string& bridge, IpFamily family) {
  rules.push_back(RuleBuilder().input(bridge).family(family).tcp_to(53).accept());
  rules.push_back(RuleBuilder().input(bridge).family(family).udp_to(53).accept());
  rules.push_back(RuleBuilder().input(bridge).family(family).udp_to(family == IpFamily::kV4 ? 67 : 547).accept());
}

void add_forwarding(std::vector<nft::Rule>& rules, const std::string& bridge, IpFamily family, bool routing) {
  if (routing) {
    rules.push_back(RuleBuilder().family(family).input(bridge).accept());
    rules.push_back(RuleBuilder().family(family).output(bridge).accept());
  } else {
    rules.push_back(RuleBuilder().family(family).input(bridge).reject());
    rules.push_back(RuleBuilder().family(family).output(bridge).reject());
  }
}

void add_nat(std::vector<nft::Rule>& rules, const BridgeFamily& family) {
  if (!family.nat) return;
  auto match = RuleBuilder().source(*family.address).destination(*family.address, Relation::kNotEqual);
  rules.push_back(family.nat_address ? match.source_nat(*family.nat_address) : match.masquerade());
}

void add_ipv4_filter(std::vector<nft::Rule>& rules, const NicFilter& filter) {
  // ARP: sender's hardware address at 8, protocol address at 14 (RFC 826, Ethernet and IPv4).
  const std::vector<std::uint8_t> mac(filter.mac.bytes.begin(), filter.mac.bytes.end());
  rules.push_back(bridge_rule().ethertype(0x0806).payload(nft::Layer::kNetwork, 8, mac, Relation::kNotEqual).drop());
  // A server's answers: no NIC with a fixed address gives out addresses.
  rules.push_back(bridge_rule().family(IpFamily::kV4).udp_from(67).drop());
  // A client that has no address yet, to the DHCP port only.
  const netlink::IpAddress unspecified;
  rules.push_back(bridge_rule().source(host(unspecified)).udp_to(67).accept());
  if (filter.ipv4) {
    const std::vector<std::uint8_t> address(filter.ipv4->bytes.begin(), filter.ipv4->bytes.begin() + 4);
    rules.push_back(bridge_rule().ethertype(0x0806).payload(nft::Layer::kNetwork, 14, address).accept());
    // Probes (RFC 5227) have no sender's address.
    rules.push_back(bridge_rule().ethertype(0x0806).payload(nft::Layer::kNetwork, 14, {0, 0, 0, 0}).accept());
    rules.push_back(bridge_rule().source(host(*filter.ipv4)).accept());
  }
}

void add_ipv6_filter(std::vector<nft::Rule>& rules, const NicFilter& filter) {
  constexpr std::uint8_t kRouterAdvertisement = 134;
  constexpr std::uint8_t kNeighbourAdvertisement = 136;
  rules.push_back(bridge_rule().icmp6(kRouterAdvertisement).drop());
  rules.push_back(bridge_rule().family(IpFamily::kV6).udp_from(547).drop());
  std::vector<netlink::IpAddress> own{netlink::link_local(filter.mac)};
  if (filter.ipv6) own.push_back(*filter.ipv6);
  // Neighbour advertisements name the address they are about, 8 bytes into the message.
  for (const auto& address : own) {
    const std::vector<std::uint8_t> target(address.bytes.begin(), address.bytes.end());
    rules.push_back(bridge_rule().source(host(address)).icmp6(kNeighbourAdvertisement)
                        .payload(nft::Layer::kTransport, 8, target).accept());
    for (const auto& other : own) {
      if (other == address) continue;
      const std::vector<std::uint8_t> mixed(other.bytes.begin(), other.bytes.end());
      rules.push_back(bridge_rule().source(host(address)).icmp6(kNeighbourAdvertisement)
                          .payload(nft::Layer::kTransport, 8, mixed).accept());
    }
  }
  rules.push_back(bridge_rule().icmp6(kNeighbourAdvertisement).drop());
  for (const auto& address : own) rules.push_back(bridge_rule().source(host(address)).accept());
  // Duplicate address detection and multicast reports are sent from "::".
  netlink::IpAddress unspecified;
  unspecified.family = IpFamily::kV6;
  rules.push_back(bridge_rule().source(host(unspecified)).icmp6(135).accept());
  rules.push_back(bridge_rule().source(host(unspecified)).icmp6(143).accept());
}

nft::Family family_of(const NicFilter& filter) { return filter.bridged ? nft::Family::kBridge : nft::Family::kInet; }

nft::Chain base_chain() {
  return {.name = kNicChain,
          .hook = nft::Hook::kPrerouting,
          .priority = kNicPriority,
          .rules = {nft::Rule{nft::LoadMeta{nft::Meta::kInputName}, nft::LookupVerdict{kNicMap}}}};
}

bool is_absent(const Result<void>& result) { return !result.ok() && result.error().errno_value() == ENOENT; }

// The table goes with its last chain; another daemon of this namespace may still have some in it.
Result<void> remove_table_if_empty(netlink::Socket& socket, nft::Family family) {
  nft::Transaction removal(family, kTable);
  removal.remove_empty_table();
  auto removed = removal.send(socket);
  if (!removed.ok() && (is_absent(removed) || removed.error().errno_value() == EBUSY)) return kOk;
  return removed;
}

Result<void> remove_filter_chain(netlink::Socket& socket, nft::Family family, const std::string& host_name) {
  const auto chains = TRY(netlink::nft::list_chains(socket, family, kTable));
  const std::string own = kNicPrefix + host_name;
  if (std::find(chains.begin(), chains.end(), own) == chains.end()) return kOk;
  nft::Transaction removal(family, kTable);
  removal.unmap_name(kNicMap, host_name);
  removal.remove_chain({.name = own});
  const auto others = std::count_if(chains.begin(), chains.end(), [&](const std::string& name) {
    return name.starts_with(kNicPrefix) && name != own;
  });
  if (others == 0) {
    removal.remove_chain(base_chain());
    removal.remove_map(kNicMap);
  }
  TRY(removal.send(socket));
  return others == 0 ? remove_table_if_empty(socket, family) : kOk;
}

}  // namespace

std::vector<nft::Chain> network_chains(const std::string& bridge, const BridgeSettings& settings) {
  nft::Chain input{.name = "in." + bridge, .hook = nft::Hook::kInput};
  nft::Chain forward{.name = "fwd." + bridge, .hook = nft::Hook::kForward};
  nft::Chain nat{.name = "pstrt." + bridge,
                 .hook = nft::Hook::kPostrouting,
                 .kind = nft::ChainKind::kNat,
                 .priority = kSourceNatPriority};
  for (const auto& [family, number] : {std::pair{&settings.v4, IpFamily::kV4}, std::pair{&settings.v6, IpFamily::kV6}}) {
    if (!family->address) continue;
    if (family->firewall) {
      add_service(input.rules, bridge, number);
      if (number == IpFamily::kV6) input.rules.push_back(RuleBuilder().input(bridge).icmp6(133).accept());
      add_forwarding(forward.rules, bridge, number, family->routing);
    }
    add_nat(nat.rules, *family);
    if (family->nat && family->nat_order == NatOrder::kAfter) nat.priority = kSourceNatPriority + 1;
  }
  return {input, forward, nat};
}

Result<void> apply_network_firewall(netlink::Socket& socket, const std::string& bridge, const BridgeSettings& settings) {
  nft::Transaction transaction(nft::Family::kInet, kTable);
  transaction.ensure_table();
  // A base chain's priority cannot be changed in place: an old one with another order goes first.
  transaction.remove_chain({.name = "pstrt." + bridge});
  for (const nft::Chain& chain : network_chains(bridge, settings)) transaction.replace_chain(chain);
  return transaction.send(socket);
}

Result<void> remove_network_firewall(netlink::Socket& socket, const std::string& bridge) {
  nft::Transaction transaction(nft::Family::kInet, kTable);
  transaction.ensure_table();
  for (const char* kind : {"in.", "fwd.", "pstrt."}) transaction.remove_chain({.name = kind + bridge});
  TRY(transaction.send(socket));
  return remove_table_if_empty(socket, nft::Family::kInet);
}

nft::Chain nic_chain(const NicFilter& filter) {
  nft::Chain chain{.name = kNicPrefix + filter.host_name};
  if (filter.egress_bits_per_second != 0) {
    const std::uint64_t rate = std::max<std::uint64_t>(filter.egress_bits_per_second / 8, 1);
    // Room for a quarter second, so that TCP finds its rate.
    const auto burst = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(rate / 4, 64 * 1024, 16 << 20));
    chain.rules.push_back(RuleBuilder(family_of(filter)).over(rate, burst).drop());
  }
  if (!filter.bridged || !(filter.mac_filtering || filter.ipv4_filtering || filter.ipv6_filtering)) return chain;
  const std::vector<std::uint8_t> mac(filter.mac.bytes.begin(), filter.mac.bytes.end());
  chain.rules.push_back(bridge_rule().payload(nft::Layer::kLink, 6, mac, Relation::kNotEqual).drop());
  if (!filter.ipv4_filtering && !filter.ipv6_filtering) return chain;
  // From here on what is not allowed is dropped: other protocols (VLAN tags, tunnels) cannot slip past.
  if (filter.ipv4_filtering) {
    add_ipv4_filter(chain.rules, filter);
  } else {
    chain.rules.push_back(bridge_rule().family(IpFamily::kV4).accept());
    chain.rules.push_back(bridge_rule().ethertype(0x0806).accept());
  }
  if (filter.ipv6_filtering) {
    add_ipv6_filter(chain.rules, filter);
  } else {
    chain.rules.push_back(bridge_rule().family(IpFamily::kV6).accept());
  }
  chain.rules.push_back(bridge_rule().drop());
  return chain;
}

Result<void> apply_nic_filter(netlink::Socket& socket, const NicFilter& filter) {
  nft::Transaction transaction(family_of(filter), kTable);
  transaction.ensure_table();
  transaction.ensure_name_map(kNicMap);
  transaction.replace_chain(base_chain());
  transaction.replace_chain(nic_chain(filter));
  transaction.map_name(kNicMap, filter.host_name, kNicPrefix + filter.host_name);
  return transaction.send(socket);
}

Result<void> remove_nic_filter(netlink::Socket& socket, const std::string& host_name) {
  TRY(remove_filter_chain(socket, nft::Family::kBridge, host_name));
  return remove_filter_chain(socket, nft::Family::kInet, host_name);
}

Result<void> retain_nic_filters(netlink::Socket& socket, const std::vector<std::string>& host_names) {
  for (const auto family : {nft::Family::kBridge, nft::Family::kInet}) {
    for (const std::string& chain : TRY(netlink::nft::list_chains(socket, family, kTable))) {
      if (!chain.starts_with(kNicPrefix)) continue;
      const std::string name = chain.substr(kNicPrefix.size());
      if (std::find(host_names.begin(), host_names.end(), name) != host_names.end()) continue;
      TRY(remove_filter_chain(socket, family, name));
    }
  }
  return kOk;
}

}  // namespace cella::manager
