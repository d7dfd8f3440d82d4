#include "netlink/links.h"

#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

namespace cella::netlink {
namespace {

constexpr unsigned kUp = IFF_UP;

ifinfomsg link_header(std::uint32_t index, unsigned flags = 0, unsigned change = 0) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(index);
  header.ifi_flags = flags;
  header.ifi_change = change;
  return header;
}

// Puts the header that names an existing link, and its name when the index is not known.
void put_reference(Batch& batch, const LinkRef& link, unsigned flags = 0, unsigned change = 0) {
  batch.put_header(link_header(link.index, flags, change));
  if (link.index == 0) batch.put_string(IFLA_IFNAME, link.name);
}

void put_mac(Batch& batch, const MacAddress& mac) { batch.put(IFLA_ADDRESS, mac.bytes); }

PidOffset put_peer_place(Batch& batch, const PeerPlace& place) {
  if (std::holds_alternative<PeerInProcess>(place)) return batch.put_u32(IFLA_NET_NS_PID, 0);
  if (const auto* elsewhere = std::get_if<PeerInNamespace>(&place)) {
    batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(elsewhere->fd));
  }
  return std::nullopt;
}

void begin_port_vlans(Batch& batch, std::uint16_t type, std::uint32_t port_index, const char* verb) {
  batch.begin(type, 0, std::string(verb) + " #" + std::to_string(port_index) + " VLAN");
  ifinfomsg header = link_header(port_index);
  header.ifi_family = AF_BRIDGE;
  batch.put_header(header);
}

void put_vlan(Batch& batch, std::uint16_t flags, std::uint16_t id) {
  const bridge_vlan_info info{flags, id};
  // SAFETY: two numbers of 16 bits without padding, as the kernel reads them.
  batch.put(IFLA_BRIDGE_VLAN_INFO, BytesView(reinterpret_cast<const std::uint8_t*>(&info), sizeof info));
}

}  // namespace

void add_bridge(Batch& batch, const BridgeSpec& spec) {
  batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "add bridge " + spec.name);
  batch.put_header(link_header(0));
  batch.put_string(IFLA_IFNAME, spec.name);
  if (spec.mtu) batch.put_u32(IFLA_MTU, *spec.mtu);
  if (spec.mac) put_mac(batch, *spec.mac);
  const std::size_t info = batch.open_nest(IFLA_LINKINFO);
  batch.put_string(IFLA_INFO_KIND, "bridge");
  const std::size_t data = batch.open_nest(IFLA_INFO_DATA);
  batch.put_u32(IFLA_BR_STP_STATE, spec.stp ? 1 : 0);
  // The kernel refuses delays below two seconds while STP is on, and 0 is what makes ports forward at once.
  if (!spec.stp) batch.put_u32(IFLA_BR_FORWARD_DELAY, spec.forward_delay_cs);
  batch.put_u8(IFLA_BR_MCAST_SNOOPING, spec.multicast_snooping ? 1 : 0);
  batch.close_nest(data);
  batch.close_nest(info);
}

PidOffset add_veth(Batch& batch, const VethSpec& spec) {
  batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, "add veth " + spec.host_name);
  batch.put_header(link_header(spec.host_index, spec.up ? kUp : 0u, spec.up ? kUp : 0u));
  batch.put_string(IFLA_IFNAME, spec.host_name);
  if (spec.mtu) batch.put_u32(IFLA_MTU, *spec.mtu);
  if (spec.tx_queue_length) batch.put_u32(IFLA_TXQLEN, *spec.tx_queue_length);
  if (spec.master != 0) batch.put_u32(IFLA_MASTER, spec.master);
  const std::size_t info = batch.open_nest(IFLA_LINKINFO);
  batch.put_string(IFLA_INFO_KIND, "veth");
  const std::size_t data = batch.open_nest(IFLA_INFO_DATA);
  const std::size_t peer = batch.open_nest(VETH_INFO_PEER);
  batch.put_inner_header(link_header(spec.peer_index));
  batch.put_string(IFLA_IFNAME, spec.peer_name);
  if (spec.peer_mac) put_mac(batch, *spec.peer_mac);
  if (spec.mtu) batch.put_u32(IFLA_MTU, *spec.mtu);
  if (spec.tx_queue_length) batch.put_u32(IFLA_TXQLEN, *spec.tx_queue_length);
  const PidOffset offset = put_peer_place(batch, spec.peer_place);
  batch.close_nest(peer);
  batch.close_nest(data);
  batch.close_nest(info);
  return offset;
}

void change_link(Batch& batch, const LinkRef& link, const LinkChange& change) {
  batch.begin(RTM_NEWLINK, 0, "change link " + link.text());
  put_reference(batch, link, change.up.value_or(false) ? kUp : 0u, change.up ? kUp : 0u);
  // With an index known, a name in the message is the new one.
  if (change.name) batch.put_string(IFLA_IFNAME, *change.name);
  if (change.mtu) batch.put_u32(IFLA_MTU, *change.mtu);
  if (change.mac) put_mac(batch, *change.mac);
  if (change.master) batch.put_u32(IFLA_MASTER, *change.master);
  if (change.alias) batch.put_string(IFLA_IFALIAS, *change.alias);
  if (change.namespace_fd) batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(*change.namespace_fd));
  if (change.no_ipv6_address) {
    const std::size_t families = batch.open_nest(IFLA_AF_SPEC);
    const std::size_t inet6 = batch.open_nest(AF_INET6);
    batch.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    batch.close_nest(inet6);
    batch.close_nest(families);
  }
}

void delete_link(Batch& batch, const LinkRef& link) {
  batch.begin(RTM_DELLINK, 0, "delete link " + link.text());
  put_reference(batch, link);
}

void set_bridge_port(Batch& batch, std::uint32_t port_index, const BridgePort& port) {
  batch.begin(RTM_SETLINK, 0, "set bridge port #" + std::to_string(port_index));
  ifinfomsg header = link_header(port_index);
  header.ifi_family = AF_BRIDGE;
  batch.put_header(header);
  const std::size_t info = batch.open_nest(IFLA_PROTINFO | NLA_F_NESTED);
  if (port.isolated) batch.put_u8(IFLA_BRPORT_ISOLATED, *port.isolated ? 1 : 0);
  if (port.hairpin) batch.put_u8(IFLA_BRPORT_MODE, *port.hairpin ? 1 : 0);
  if (port.learning) batch.put_u8(IFLA_BRPORT_LEARNING, *port.learning ? 1 : 0);
  if (port.neighbour_suppression) batch.put_u8(IFLA_BRPORT_NEIGH_SUPPRESS, *port.neighbour_suppression ? 1 : 0);
  batch.close_nest(info);
}

void add_port_vlan(Batch& batch, std::uint32_t port_index, const PortVlan& vlan) {
  const auto flags = static_cast<std::uint16_t>(vlan.untagged ? BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED : 0);
  begin_port_vlans(batch, RTM_SETLINK, port_index, "add bridge port");
  const std::size_t spec = batch.open_nest(IFLA_AF_SPEC);
  if (vlan.first == vlan.last) {
    put_vlan(batch, flags, vlan.first);
  } else {
    put_vlan(batch, BRIDGE_VLAN_INFO_RANGE_BEGIN, vlan.first);
    put_vlan(batch, BRIDGE_VLAN_INFO_RANGE_END, vlan.last);
  }
  batch.close_nest(spec);
}

void remove_port_vlan(Batch& batch, std::uint32_t port_index, std::uint16_t id) {
  begin_port_vlans(batch, RTM_DELLINK, port_index, "remove bridge port");
  const std::size_t spec = batch.open_nest(IFLA_AF_SPEC);
  put_vlan(batch, 0, id);
  batch.close_nest(spec);
}

void set_vlan_filtering(Batch& batch, std::uint32_t bridge_index, VlanFiltering filtering) {
  batch.begin(RTM_NEWLINK, 0, "set VLAN filtering of bridge #" + std::to_string(bridge_index));
  batch.put_header(link_header(bridge_index));
  const std::size_t info = batch.open_nest(IFLA_LINKINFO);
  batch.put_string(IFLA_INFO_KIND, "bridge");
  const std::size_t data = batch.open_nest(IFLA_INFO_DATA);
  batch.put_u8(IFLA_BR_VLAN_FILTERING, filtering == VlanFiltering::kOn ? 1 : 0);
  batch.close_nest(data);
  batch.close_nest(info);
}

}  // namespace cella::netlink
