// Links: bridges, veth pairs, and changes to them. Each function appends messages to a batch and does nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "netlink/ip.h"
#include "netlink/message.h"

namespace cella::netlink {

// A link by its index or, where the index is not known yet, by its name.
struct LinkRef {
  std::uint32_t index = 0;
  std::string name;

  static LinkRef by_index(std::uint32_t index) { return {index, {}}; }
  static LinkRef by_name(std::string name) { return {0, std::move(name)}; }
  std::string text() const { return name.empty() ? "#" + std::to_string(index) : name; }
};

struct BridgeSpec {
  std::string name;
  std::optional<MacAddress> mac;       // without one the bridge takes the lowest MAC of its ports and changes with them
  std::optional<std::uint32_t> mtu;    // bytes; the kernel's default is 1500
  std::uint32_t forward_delay_cs = 0;  // hundredths of a second; used with STP only
  bool stp = false;
  bool multicast_snooping = false;     // off: a new port otherwise costs more with each port (kernel-recipes §3)
};
// RTM_NEWLINK of kind bridge, exclusive (EEXIST when the name is taken), left down.
void add_bridge(Batch& batch, const BridgeSpec& spec);

// Where the peer end of a veth pair is made.
struct PeerInProcess {};  // IFLA_NET_NS_PID, the pid is patched in later
struct PeerInNamespace {
  int fd = -1;  // IFLA_NET_NS_FD, resolved by the kernel while the message is handled
};
struct PeerHere {};
using PeerPlace = std::variant<PeerInProcess, PeerInNamespace, PeerHere>;

struct VethSpec {
  std::string host_name;
  std::uint32_t host_index = 0;  // chosen by the caller so that later messages can name it; 0: the kernel chooses both
  std::optional<std::uint32_t> mtu;
  std::uint32_t master = 0;  // index of a bridge; 0: none
  bool up = true;            // host end; in the same message
  std::string peer_name = "eth0";
  std::uint32_t peer_index = 0;  // needs host_index (veth_newlink ignores it otherwise)
  std::optional<MacAddress> peer_mac;
  std::optional<std::uint32_t> tx_queue_length;
  PeerPlace peer_place = PeerInProcess{};
};

// Marks that a batch has a place for the pid: offset of the u32 in batch.bytes(). Empty unless PeerInProcess.
using PidOffset = std::optional<std::size_t>;

// The whole pair in one RTM_NEWLINK (EXCL|CREATE|ACK).
PidOffset add_veth(Batch& batch, const VethSpec& spec);

struct LinkChange {
  std::optional<bool> up;
  std::optional<std::string> name;
  std::optional<std::uint32_t> mtu;
  std::optional<MacAddress> mac;
  std::optional<std::uint32_t> master;  // 0 releases it
  std::optional<std::string> alias;
  std::optional<int> namespace_fd;      // moves the link
  // IFLA_AF_SPEC / IN6_ADDR_GEN_MODE_NONE: no link-local address, hence no IPv6 traffic of its own from this link.
  bool no_ipv6_address = false;
};
// RTM_NEWLINK on an existing link; all in one message.
void change_link(Batch& batch, const LinkRef& link, const LinkChange& change);

// RTM_DELLINK. A veth waits tens of milliseconds for RCU: never on a path somebody waits for.
void delete_link(Batch& batch, const LinkRef& link);

struct BridgePort {
  std::optional<bool> isolated;  // no traffic to other isolated ports
  std::optional<bool> hairpin;
  std::optional<bool> learning;
  std::optional<bool> neighbour_suppression;
};
// RTM_SETLINK, AF_BRIDGE, IFLA_PROTINFO: flags of a link that is a bridge's port.
void set_bridge_port(Batch& batch, std::uint32_t port_index, const BridgePort& port);

// VLAN ids (1 to 4094) that a bridge's port belongs to. untagged: frames without a tag are of this one, and its frames
// leave without a tag; first is last then.
struct PortVlan {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool untagged = false;
  bool operator==(const PortVlan&) const = default;
};
// RTM_SETLINK, AF_BRIDGE, IFLA_BRIDGE_VLAN_INFO. They count where the bridge filters by VLAN.
void add_port_vlan(Batch& batch, std::uint32_t port_index, const PortVlan& vlan);
// The port leaves it. Success when it was not in it.
void remove_port_vlan(Batch& batch, std::uint32_t port_index, std::uint16_t id);
// Whether the bridge looks at VLANs at all.
enum class VlanFiltering : std::uint8_t { kOff, kOn };
void set_vlan_filtering(Batch& batch, std::uint32_t bridge_index, VlanFiltering filtering);

}  // namespace cella::netlink
