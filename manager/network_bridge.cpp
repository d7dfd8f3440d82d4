#include "manager/network_bridge.h"

#include <algorithm>
#include <linux/rtnetlink.h>

#include "netlink/dump.h"
#include "netlink/links.h"
#include "netlink/routes.h"
#include "netlink/sysctls.h"

namespace cella::manager {
namespace {

using netlink::Batch;
using netlink::IpFamily;
using netlink::IpPrefix;
using netlink::Link;
using netlink::LinkRef;

Result<Link> ensure_link(netlink::Socket& socket, const std::string& name, const BridgeSettings& settings,
                         const netlink::MacAddress& mac) {
  auto found = netlink::find_link(socket, name);
  if (!found.ok() && found.error().kind() != ErrorKind::kNotFound) return found;
  if (found.ok()) {
    if (found->kind == "bridge") return found;
    return Error(ErrorKind::kExists, "interface " + name + " exists and is no bridge");
  }
  Batch batch;
  netlink::add_bridge(batch, {.name = name, .mac = settings.hwaddr.value_or(mac), .mtu = settings.mtu});
  TRY(socket.send(batch));
  return netlink::find_link(socket, name);
}

// Before the link is up: nothing that a container sends may configure the host.
Result<void> write_settings(const std::string& name, const BridgeSettings& settings) {
  for (const char* key : {"accept_ra", "autoconf", "accept_dad", "accept_redirects"}) {
    TRY(netlink::write_link_setting(IpFamily::kV6, name, key, "0"));
  }
  // Without an IPv6 address of ours, instances shall not reach the host by its link-local one either.
  const bool ipv6 = settings.v6.address.has_value();
  auto written = netlink::write_link_setting(IpFamily::kV6, name, "disable_ipv6", ipv6 ? "0" : "1");
  if (!written.ok() && (ipv6 || written.error().kind() != ErrorKind::kNotFound)) return written;
  if (settings.v4.address) TRY(netlink::write_link_setting(IpFamily::kV4, name, "accept_redirects", "0"));
  return kOk;
}

std::vector<IpPrefix> wanted_addresses(const BridgeSettings& settings) {
  std::vector<IpPrefix> wanted;
  if (settings.v4.address) wanted.push_back(*settings.v4.address);
  if (settings.v6.address) wanted.push_back(*settings.v6.address);
  return wanted;
}

bool contains(const std::vector<IpPrefix>& list, const IpPrefix& prefix) {
  return std::find(list.begin(), list.end(), prefix) != list.end();
}

Result<void> set_addresses(netlink::Socket& socket, const Link& link, const BridgeSettings& settings) {
  const auto wanted = wanted_addresses(settings);
  std::vector<IpPrefix> present;
  Batch batch;
  for (const auto& address : TRY(netlink::list_addresses(socket))) {
    if (address.link_index != link.index || address.scope != netlink::AddressScope::kGlobal) continue;
    if (contains(wanted, address.address)) {
      present.push_back(address.address);
    } else {
      netlink::delete_address(batch, link.index, address.address);
    }
  }
  for (const IpPrefix& address : wanted) {
    if (!contains(present, address)) netlink::add_address(batch, link.index, address);
  }
  return socket.send(batch);
}

Result<void> set_routes(netlink::Socket& socket, const Link& link, const BridgeSettings& settings) {
  std::vector<IpPrefix> wanted = settings.v4.routes;
  wanted.insert(wanted.end(), settings.v6.routes.begin(), settings.v6.routes.end());
  Batch batch;
  for (const auto& route : TRY(netlink::list_routes(socket))) {
    // RTPROT_STATIC marks the network's own routes; a NIC's are RTPROT_BOOT and go with its detach.
    if (route.link_index != link.index || route.protocol != RTPROT_STATIC || contains(wanted, route.destination)) continue;
    netlink::delete_route(batch, {.destination = route.destination, .link_index = link.index});
  }
  for (const IpPrefix& destination : wanted) {
    netlink::add_route(batch, {.destination = destination, .link_index = link.index, .protocol = RTPROT_STATIC});
  }
  return socket.send(batch);
}

Result<void> enslave_external(netlink::Socket& socket, const Link& bridge, const BridgeSettings& settings) {
  Batch batch;
  for (const std::string& name : settings.external_interfaces) {
    const auto link = netlink::find_link(socket, name);
    if (!link.ok()) return invalid_value("bridge.external_interfaces", name, "there is no such interface");
    if (link->master == bridge.index) continue;
    if (link->master != 0) return invalid_value("bridge.external_interfaces", name, "is part of another bridge or bond");
    for (const auto& address : TRY(netlink::list_addresses(socket))) {
      if (address.link_index == link->index && address.scope == netlink::AddressScope::kGlobal) {
        return invalid_value("bridge.external_interfaces", name, "has an address of its own");
      }
    }
    netlink::change_link(batch, LinkRef::by_index(link->index), {.up = true, .master = bridge.index});
  }
  return socket.send(batch);
}

// Ports that are no veth and no longer wanted were external interfaces.
Result<void> release_external(netlink::Socket& socket, const Link& bridge, const std::vector<std::string>& wanted) {
  Batch batch;
  for (const Link& link : TRY(netlink::list_links(socket))) {
    if (link.master != bridge.index || link.kind == "veth") continue;
    if (std::find(wanted.begin(), wanted.end(), link.name) != wanted.end()) continue;
    netlink::change_link(batch, LinkRef::by_index(link.index), {.master = 0});
  }
  return socket.send(batch);
}

}  // namespace

Result<std::uint32_t> bring_up_bridge(netlink::Socket& socket, const std::string& name, const BridgeSettings& settings,
                                      const netlink::MacAddress& mac) {
  const Link link = TRY(ensure_link(socket, name, settings, mac));
  TRY(write_settings(name, settings));
  TRY(enslave_external(socket, link, settings));
  TRY(release_external(socket, link, settings.external_interfaces));
  Batch batch;
  const auto wanted_mac = settings.hwaddr.value_or(mac);
  const std::uint32_t wanted_mtu = settings.mtu.value_or(1500);
  if (link.mac != wanted_mac || link.mtu != wanted_mtu) {
    netlink::change_link(batch, LinkRef::by_index(link.index), {.mtu = wanted_mtu, .mac = wanted_mac});
  }
  if (!link.up()) netlink::change_link(batch, LinkRef::by_index(link.index), {.up = true});
  TRY(socket.send(batch));
  TRY(set_addresses(socket, link, settings));
  TRY(set_routes(socket, link, settings));
  return link.index;
}

Result<void> remove_bridge(netlink::Socket& socket, const std::string& name) {
  const auto link = netlink::find_link(socket, name);
  if (!link.ok()) return link.error().kind() == ErrorKind::kNotFound ? Result<void>(kOk) : link.error();
  if (link->kind != "bridge") return kOk;
  TRY(release_external(socket, *link, {}));
  Batch batch;
  netlink::delete_link(batch, LinkRef::by_index(link->index));
  return socket.send(batch);
}

Result<std::vector<UsedSubnet>> subnets_in_use(netlink::Socket& socket, const std::string& except) {
  const auto links = TRY(netlink::list_links(socket));
  const auto name_of = [&](std::uint32_t index) {
    const auto found = std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.index == index; });
    return found == links.end() ? std::string() : found->name;
  };
  std::vector<UsedSubnet> used;
  for (const auto& address : TRY(netlink::list_addresses(socket))) {
    const std::string name = name_of(address.link_index);
    if (name == except || address.scope != netlink::AddressScope::kGlobal) continue;
    used.push_back({address.address, "address of interface " + name});
  }
  for (const auto& route : TRY(netlink::list_routes(socket))) {
    const std::string name = name_of(route.link_index);
    const bool local = route.destination.address.bytes[0] == 0xFE || route.destination.address.bytes[0] == 0xFF;
    const bool v6 = route.destination.address.family == IpFamily::kV6;
    if (name == except || route.destination.length == 0 || route.table != RT_TABLE_MAIN || (v6 && local)) continue;
    used.push_back({route.destination, "route through interface " + name, route.gateway.has_value()});
  }
  return used;
}

}  // namespace cella::manager
