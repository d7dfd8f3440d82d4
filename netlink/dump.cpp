#include "netlink/dump.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace cella::netlink {
namespace {

constexpr int kDumpAttempts = 8;

template <typename T, typename Decode>
Result<std::vector<T>> list(Socket& socket, const Batch& request, std::uint16_t type, Decode decode) {
  for (int attempt = 1;; ++attempt) {
    std::vector<T> found;
    const auto dumped = socket.dump(request, [&](const MessageView& message) {
      if (message.header.nlmsg_type == type) decode(message, found);
    });
    if (dumped.ok()) return found;
    if (dumped.error().kind() != ErrorKind::kBusy || attempt == kDumpAttempts) return dumped.error();
  }
}

void take_counters(const AttributeView& attribute, LinkCounters& counters) {
  rtnl_link_stats64 stats{};
  std::memcpy(&stats, attribute.value.data(), std::min(sizeof stats, attribute.value.size()));
  counters = {stats.rx_bytes,  stats.tx_bytes,  stats.rx_packets, stats.tx_packets,
              stats.rx_errors, stats.tx_errors, stats.rx_dropped, stats.tx_dropped};
}

BridgeDetails bridge_details(BytesView data) {
  BridgeDetails details;
  const auto attributes = split_attributes(data);
  if (const auto* id = find_attribute(attributes, IFLA_BR_BRIDGE_ID); id != nullptr && id->value.size() == 8) {
    char text[32];
    const auto& b = id->value;
    std::snprintf(text, sizeof text, "%02x%02x.%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
    details.id = text;
  }
  if (const auto* stp = find_attribute(attributes, IFLA_BR_STP_STATE)) details.stp = stp->u32() != 0;
  if (const auto* delay = find_attribute(attributes, IFLA_BR_FORWARD_DELAY)) details.forward_delay_cs = delay->u32();
  if (const auto* pvid = find_attribute(attributes, IFLA_BR_VLAN_DEFAULT_PVID)) details.vlan_default = pvid->u16();
  if (const auto* filtering = find_attribute(attributes, IFLA_BR_VLAN_FILTERING)) {
    details.vlan_filtering = filtering->u8() != 0;
  }
  return details;
}

void take_link_info(const AttributeView& attribute, Link& link) {
  const auto info = split_attributes(attribute.value);
  if (const auto* kind = find_attribute(info, IFLA_INFO_KIND)) link.kind = kind->text();
  const auto* data = find_attribute(info, IFLA_INFO_DATA);
  if (link.kind == "bridge" && data != nullptr) link.bridge = bridge_details(data->value);
}

void take_link_attribute(const AttributeView& attribute, Link& link) {
  switch (attribute.type) {
    case IFLA_IFNAME: link.name = attribute.text(); break;
    case IFLA_IFALIAS: link.alias = attribute.text(); break;
    case IFLA_MTU: link.mtu = attribute.u32(); break;
    case IFLA_MASTER: link.master = attribute.u32(); break;
    case IFLA_LINK: link.peer_index = attribute.u32(); break;
    case IFLA_LINK_NETNSID: link.peer_namespace = attribute.u32(); break;
    case IFLA_ADDRESS:
      if (attribute.value.size() == 6) std::copy(attribute.value.begin(), attribute.value.end(), link.mac.bytes.begin());
      break;
    case IFLA_OPERSTATE:
      link.running = attribute.u8() == IF_OPER_UP || (attribute.u8() == IF_OPER_UNKNOWN && (link.flags & IFF_LOWER_UP));
      break;
    case IFLA_STATS64: take_counters(attribute, link.counters); break;
    case IFLA_LINKINFO: take_link_info(attribute, link); break;
    default: break;  // attributes of other features
  }
}

std::optional<IpAddress> address_of(std::uint8_t family, const AttributeView* attribute) {
  IpAddress address;
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  address.family = family == AF_INET ? IpFamily::kV4 : IpFamily::kV6;
  if (attribute == nullptr || attribute->value.size() != address.size()) return std::nullopt;
  std::copy(attribute->value.begin(), attribute->value.end(), address.bytes.begin());
  return address;
}

}  // namespace

Link decode_link(const MessageView& message) {
  const auto header = message.fixed<ifinfomsg>();
  Link link;
  link.index = static_cast<std::uint32_t>(header.ifi_index);
  link.flags = header.ifi_flags;
  link.type = header.ifi_type;
  for (const AttributeView& attribute : split_attributes(message.attributes(sizeof header))) {
    take_link_attribute(attribute, link);
  }
  return link;
}

std::optional<LinkAddress> decode_address(const MessageView& message) {
  const auto header = message.fixed<ifaddrmsg>();
  const auto attributes = split_attributes(message.attributes(sizeof header));
  // IFA_LOCAL is this end's address where both are given (point to point); IPv6 gives IFA_ADDRESS alone.
  const auto* local = find_attribute(attributes, IFA_LOCAL);
  const auto address = address_of(header.ifa_family, local != nullptr ? local : find_attribute(attributes, IFA_ADDRESS));
  if (!address) return std::nullopt;
  AddressScope scope = AddressScope::kGlobal;
  if (header.ifa_scope == RT_SCOPE_LINK) scope = AddressScope::kLink;
  if (header.ifa_scope == RT_SCOPE_HOST) scope = AddressScope::kLocal;
  return LinkAddress{header.ifa_index, {*address, header.ifa_prefixlen}, scope};
}

std::optional<Route> decode_route(const MessageView& message) {
  const auto header = message.fixed<rtmsg>();
  if ((header.rtm_family != AF_INET && header.rtm_family != AF_INET6) || header.rtm_type != RTN_UNICAST) return std::nullopt;
  const auto attributes = split_attributes(message.attributes(sizeof header));
  Route route;
  route.destination.address.family = header.rtm_family == AF_INET ? IpFamily::kV4 : IpFamily::kV6;
  route.destination.length = header.rtm_dst_len;
  if (const auto destination = address_of(header.rtm_family, find_attribute(attributes, RTA_DST))) {
    route.destination.address = *destination;
  }
  route.gateway = address_of(header.rtm_family, find_attribute(attributes, RTA_GATEWAY));
  if (const auto* link = find_attribute(attributes, RTA_OIF)) route.link_index = link->u32();
  const auto* table = find_attribute(attributes, RTA_TABLE);
  route.protocol = header.rtm_protocol;
  route.table = table != nullptr ? table->u32() : header.rtm_table;
  return route;
}

Result<std::vector<Link>> list_links(Socket& socket) {
  Batch request;
  request.begin(RTM_GETLINK, NLM_F_DUMP, "list links");
  request.put_header(ifinfomsg{});
  return list<Link>(socket, request, RTM_NEWLINK,
                    [](const MessageView& message, auto& found) { found.push_back(decode_link(message)); });
}

Result<std::vector<LinkAddress>> list_addresses(Socket& socket) {
  Batch request;
  request.begin(RTM_GETADDR, NLM_F_DUMP, "list addresses");
  request.put_header(ifaddrmsg{});
  return list<LinkAddress>(socket, request, RTM_NEWADDR, [](const MessageView& message, auto& found) {
    if (auto address = decode_address(message)) found.push_back(*address);
  });
}

Result<std::vector<Route>> list_routes(Socket& socket) {
  std::vector<Route> routes;
  for (const int family : {AF_INET, AF_INET6}) {
    Batch request;
    request.begin(RTM_GETROUTE, NLM_F_DUMP, "list routes");
    rtmsg header{};
    header.rtm_family = static_cast<unsigned char>(family);
    request.put_header(header);
    const auto found = TRY(list<Route>(socket, request, RTM_NEWROUTE, [](const MessageView& message, auto& into) {
      if (auto route = decode_route(message)) into.push_back(*route);
    }));
    routes.insert(routes.end(), found.begin(), found.end());
  }
  return routes;
}

Result<Link> find_link(Socket& socket, const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return Error(ErrorKind::kNotFound, "interface " + name);
  Batch request;
  request.begin(RTM_GETLINK, 0, "get link " + name);
  request.put_header(ifinfomsg{});
  request.put_string(IFLA_IFNAME, name);
  std::optional<Link> link;
  const auto got = socket.dump(request, [&](const MessageView& message) {
    if (message.header.nlmsg_type == RTM_NEWLINK) link = decode_link(message);
  });
  if (!got.ok() && got.error().errno_value() != ENODEV) return got.error();
  if (!link) return Error(ErrorKind::kNotFound, "interface " + name);
  return *std::move(link);
}

}  // namespace cella::netlink
