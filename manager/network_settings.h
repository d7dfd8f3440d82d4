// A bridge network's configuration: from LXD's string keys to typed values, checked once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"
#include "netlink/ip.h"

namespace cella::manager {

struct AddressRange {
  netlink::IpAddress first;
  netlink::IpAddress last;  // included
  bool operator==(const AddressRange&) const = default;
};

enum class NatOrder { kBefore, kAfter };

// One address family of a bridge. Everything but `address` counts only when there is an address.
struct BridgeFamily {
  std::optional<netlink::IpPrefix> address;  // the bridge's own, with the subnet's length; absent: "none"
  bool nat = false;
  std::optional<netlink::IpAddress> nat_address;
  NatOrder nat_order = NatOrder::kBefore;
  bool dhcp = true;
  bool stateful = false;  // IPv6 only
  std::vector<AddressRange> ranges;  // empty: the whole subnet
  std::string expiry = "1h";
  std::optional<netlink::IpAddress> gateway;  // IPv4 only; absent: the bridge
  bool firewall = true;
  bool routing = true;
  std::vector<netlink::IpPrefix> routes;
};

enum class DnsMode { kManaged, kDynamic, kNone };

struct BridgeSettings {
  BridgeFamily v4;
  BridgeFamily v6;
  std::string dns_domain = "lxd";
  DnsMode dns_mode = DnsMode::kManaged;
  std::vector<std::string> dns_search;
  std::optional<std::uint32_t> mtu;
  std::optional<netlink::MacAddress> hwaddr;
  std::vector<std::string> external_interfaces;
  std::string raw_dnsmasq;
};

// Reads and checks every key. "auto" must have been replaced. Errors: kInvalid naming key and value; an unknown key says
// so, and a key of LXD that cella does not serve says that.
Result<BridgeSettings> parse_bridge_settings(const Config& config);

// Errors: kInvalid unless the name can be an interface's: 2 to 15 of [A-Za-z0-9_.-], not starting with "-" or ".".
Result<void> check_link_name(std::string_view key, std::string_view name);

// "10.1.2.10-10.1.2.20, 10.1.2.50-10.1.2.60": each inside the subnet.
Result<std::vector<AddressRange>> parse_ranges(std::string_view key, std::string_view text,
                                               const netlink::IpPrefix& subnet);

// Parts between commas, without the spaces around them; empty text gives none.
std::vector<std::string> split_list(std::string_view text);

// The addresses DHCP may give: the ranges, or all hosts of the subnet but the bridge's own.
std::vector<AddressRange> allocation_ranges(const BridgeFamily& family);

}  // namespace cella::manager
