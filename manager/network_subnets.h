// Choosing and judging subnets, and choosing addresses in them. Pure: what is in use is given.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/network_settings.h"
#include "netlink/ip.h"

namespace cella::manager {

// A subnet somebody has. distant: reached through a gateway, so a smaller subnet may be carved out of it on purpose.
struct UsedSubnet {
  netlink::IpPrefix subnet;
  std::string owner;  // "network cellabr0", "address of interface eth0", "route through eth0"
  bool distant = false;
};

// Gives a number in [0, bound).
using RandomSource = std::function<std::uint32_t(std::uint32_t bound)>;
RandomSource system_random();

// 10.X.Y.1/24 or fd42:A:B:C::1/64 that overlaps nothing in use. Errors: kNoSpace after 500 tries.
Result<netlink::IpPrefix> choose_subnet(netlink::IpFamily family, const std::vector<UsedSubnet>& used,
                                        const RandomSource& random);

// Errors: kInvalid naming key, value, and the overlapping subnet with its owner.
Result<void> check_subnet_free(const std::string& key, const netlink::IpPrefix& wanted,
                               const std::vector<UsedSubnet>& used);

// A free address of the ranges: where it starts looking depends on seed only, so the same instance gets the same address
// again on an otherwise unchanged network. nullopt: all are taken.
std::optional<netlink::IpAddress> choose_address(const std::vector<AddressRange>& ranges,
                                                 const std::set<netlink::IpAddress>& taken, const std::string& seed);

}  // namespace cella::manager
