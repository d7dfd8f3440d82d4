// nftables rules of managed networks and of single NICs, as values and applied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/network_settings.h"
#include "netlink/nft_transaction.h"

namespace cella::manager {

// The chains of one network in table "inet cella": in.NAME (DHCP and DNS to the host), fwd.NAME, pstrt.NAME (NAT).
// All three are always given, empty where the settings want nothing.
std::vector<netlink::nft::Chain> network_chains(const std::string& bridge, const BridgeSettings& settings);

// Makes the kernel hold exactly these rules for the network, in one transaction. socket: NETLINK_NETFILTER.
Result<void> apply_network_firewall(netlink::Socket& socket, const std::string& bridge, const BridgeSettings& settings);
Result<void> remove_network_firewall(netlink::Socket& socket, const std::string& bridge);

// What one NIC may send. The rules name the host's end, so they can be in place before that link exists.
struct NicFilter {
  std::string host_name;
  netlink::MacAddress mac;
  bool mac_filtering = false;
  bool ipv4_filtering = false;  // without an address: no IPv4 at all
  bool ipv6_filtering = false;
  std::optional<netlink::IpAddress> ipv4;
  std::optional<netlink::IpAddress> ipv6;
  std::uint64_t egress_bits_per_second = 0;  // 0: unlimited
  bool bridged = true;  // rules in table "bridge cella", else (p2p) in "inet cella", where only the rate can be limited

  bool empty() const {
    return !mac_filtering && !ipv4_filtering && !ipv6_filtering && egress_bits_per_second == 0;
  }
};
netlink::nft::Chain nic_chain(const NicFilter& filter);

Result<void> apply_nic_filter(netlink::Socket& socket, const NicFilter& filter);
// Missing is success.
Result<void> remove_nic_filter(netlink::Socket& socket, const std::string& host_name);
// Removes the filters of all host names but these.
Result<void> retain_nic_filters(netlink::Socket& socket, const std::vector<std::string>& host_names);

}  // namespace cella::manager
