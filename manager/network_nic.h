// One NIC device: from its string keys to typed values, and from those to the messages that make its links.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/firewall.h"
#include "manager/network.h"
#include "netlink/ip.h"
#include "netlink/links.h"

namespace cella::manager {

enum class NicKind { kBridged, kP2p };

// What a device says about one family. none: asked for no address at all.
struct NicAddress {
  std::optional<netlink::IpAddress> address;
  bool none = false;
  std::vector<netlink::IpPrefix> routes;  // routed to the NIC by the host
};

struct NicSettings {
  NicKind kind = NicKind::kBridged;
  std::string network;    // managed network, or
  std::string parent;     // a bridge by name
  std::string name;       // inside; empty: eth<position>
  std::string host_name;  // empty: a fresh one each start
  std::optional<netlink::MacAddress> hwaddr;
  std::optional<std::uint32_t> mtu;
  std::optional<std::uint32_t> tx_queue_length;
  NicAddress v4;
  NicAddress v6;
  std::vector<netlink::PortVlan> vlans;  // of a bridge that filters by VLAN; empty: what the bridge gives its ports
  bool no_default_vlan = false;          // also set when vlans has an untagged one
  bool mac_filtering = false;
  bool ipv4_filtering = false;
  bool ipv6_filtering = false;
  bool port_isolation = false;
  std::uint64_t ingress = 0;  // bits per second into the instance; 0: unlimited
  std::uint64_t egress = 0;
};

// Whether it needs a bridge that filters by VLAN.
inline bool uses_vlans(const NicSettings& settings) { return !settings.vlans.empty() || settings.no_default_vlan; }

// Errors: kInvalid naming key and value, also for keys that nothing serves.
Result<NicSettings> parse_nic(const Device& device);

// Everything a plan needs beside the settings, resolved.
struct NicResolution {
  std::string host_name;
  std::uint32_t host_index = 0;   // fresh
  std::uint32_t inner_index = 0;  // fresh inside
  std::string interface_name;
  netlink::MacAddress mac;
  std::uint32_t master = 0;  // index of the bridge; 0 for p2p
  std::uint16_t default_vlan = 1;  // that the bridge puts a new port into; 0: none
  std::optional<std::uint32_t> mtu;
  std::vector<netlink::IpPrefix> addresses;
  std::vector<netlink::IpAddress> gateways;
  netlink::PeerPlace place = netlink::PeerInProcess{};
};

// Fills host_batch, pid_offsets, inner_batch and what describes them; network and parent are the caller's.
NicPlan plan_nic(const NicSettings& settings, const NicResolution& resolution);

// What the NIC may send; `addresses` as planned.
NicFilter filter_of(const NicSettings& settings, const NicPlan& plan);

// "veth" and eight random hexadecimal digits: old names stay taken for a while after a stop.
std::string fresh_host_name();
// A link index that the kernel's own counter does not reach.
std::uint32_t fresh_link_index();

}  // namespace cella::manager
