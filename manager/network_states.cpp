#include "manager/network_states.h"

#include <linux/if.h>
#include <linux/if_arp.h>

#include "manager/networks.h"

namespace cella::manager {
namespace {

std::string type_text(const netlink::Link& link) {
  if ((link.flags & IFF_LOOPBACK) != 0) return "loopback";
  if ((link.flags & IFF_POINTOPOINT) != 0) return "point-to-point";
  return "broadcast";
}

std::string scope_text(netlink::AddressScope scope) {
  switch (scope) {
    case netlink::AddressScope::kGlobal: return "global";
    case netlink::AddressScope::kLink: return "link";
    case netlink::AddressScope::kLocal: return "local";
  }
  return {};
}

}  // namespace

NetworkState describe_link(const netlink::Link& link, const std::vector<netlink::LinkAddress>& addresses) {
  NetworkState state;
  for (const auto& address : addresses) {
    if (address.link_index != link.index) continue;
    const bool v4 = address.address.address.family == netlink::IpFamily::kV4;
    state.addresses.push_back({v4 ? "inet" : "inet6", netlink::format(address.address.address),
                               std::to_string(address.address.length), scope_text(address.scope)});
  }
  const auto& counters = link.counters;
  state.bytes_received = static_cast<std::int64_t>(counters.bytes_received);
  state.bytes_sent = static_cast<std::int64_t>(counters.bytes_sent);
  state.packets_received = static_cast<std::int64_t>(counters.packets_received);
  state.packets_sent = static_cast<std::int64_t>(counters.packets_sent);
  state.errors_received = static_cast<std::int64_t>(counters.errors_received);
  state.errors_sent = static_cast<std::int64_t>(counters.errors_sent);
  state.packets_dropped_inbound = static_cast<std::int64_t>(counters.packets_dropped_inbound);
  state.packets_dropped_outbound = static_cast<std::int64_t>(counters.packets_dropped_outbound);
  if (link.mac != netlink::MacAddress{}) state.hwaddr = netlink::format(link.mac);
  state.mtu = static_cast<int>(link.mtu);
  state.state = link.up() ? "up" : "down";
  state.type = type_text(link);
  return state;
}

std::string unmanaged_type(const netlink::Link& link) {
  if ((link.flags & IFF_LOOPBACK) != 0) return "loopback";
  if (link.kind == "bridge" || link.kind == "bond" || link.kind == "vlan") return link.kind;
  if (link.kind.empty() && link.type == ARPHRD_ETHER) return "physical";
  return "unknown";
}

Result<std::map<std::string, NetworkState>> read_network_states(netlink::Socket& socket) {
  const auto links = TRY(netlink::list_links(socket));
  const auto addresses = TRY(netlink::list_addresses(socket));
  std::map<std::string, NetworkState> states;
  for (const auto& link : links) states.emplace(link.name, describe_link(link, addresses));
  return states;
}

}  // namespace cella::manager
