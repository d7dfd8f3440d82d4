#include "netlink/routes.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace cella::netlink {
namespace {

std::uint8_t family_number(const IpAddress& address) { return address.family == IpFamily::kV4 ? AF_INET : AF_INET6; }

BytesView view(const IpAddress& address) { return BytesView(address.bytes.data(), address.size()); }

void put_address(Batch& batch, std::uint32_t link_index, const IpPrefix& address) {
  ifaddrmsg header{};
  header.ifa_family = family_number(address.address);
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.length);
  if (address.address.family == IpFamily::kV6) header.ifa_flags = IFA_F_NODAD;
  header.ifa_scope = RT_SCOPE_UNIVERSE;
  header.ifa_index = link_index;
  batch.put_header(header);
  batch.put(IFA_LOCAL, view(address.address));
  batch.put(IFA_ADDRESS, view(address.address));
}

std::string on_link(std::uint32_t index) { return " on link #" + std::to_string(index); }

void put_route(Batch& batch, const RouteSpec& route) {
  rtmsg header{};
  header.rtm_family = family_number(route.destination.address);
  header.rtm_dst_len = static_cast<std::uint8_t>(route.destination.length);
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = route.protocol;
  header.rtm_scope = route.gateway || header.rtm_family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  header.rtm_type = RTN_UNICAST;
  batch.put_header(header);
  if (route.destination.length != 0) batch.put(RTA_DST, view(route.destination.address));
  if (route.gateway) batch.put(RTA_GATEWAY, view(*route.gateway));
  if (route.link_index != 0) batch.put_u32(RTA_OIF, route.link_index);
  if (route.metric) batch.put_u32(RTA_PRIORITY, *route.metric);
}

std::string route_text(const RouteSpec& route) {
  return format(route.destination) + (route.gateway ? " via " + format(*route.gateway) : on_link(route.link_index));
}

}  // namespace

void add_address(Batch& batch, std::uint32_t link_index, const IpPrefix& address) {
  batch.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, "add address " + format(address) + on_link(link_index));
  put_address(batch, link_index, address);
  // Networks of one or two addresses have no broadcast address.
  if (address.address.family == IpFamily::kV4 && address.length < 31) batch.put(IFA_BROADCAST, view(last_address(address)));
}

void delete_address(Batch& batch, std::uint32_t link_index, const IpPrefix& address) {
  batch.begin(RTM_DELADDR, 0, "delete address " + format(address) + on_link(link_index));
  put_address(batch, link_index, address);
}

void add_route(Batch& batch, const RouteSpec& route) {
  batch.begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, "add route " + route_text(route));
  put_route(batch, route);
}

void delete_route(Batch& batch, const RouteSpec& route) {
  batch.begin(RTM_DELROUTE, 0, "delete route " + route_text(route));
  put_route(batch, route);
}

RouteSpec default_route(const IpAddress& gateway, std::uint32_t link_index) {
  RouteSpec route;
  route.destination.address.family = gateway.family;
  route.gateway = gateway;
  route.link_index = link_index;
  return route;
}

}  // namespace cella::netlink
