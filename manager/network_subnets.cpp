#include "manager/network_subnets.h"

#include <algorithm>
#include <sys/random.h>

namespace cella::manager {
namespace {

using netlink::IpFamily;
using netlink::IpPrefix;

constexpr int kAttempts = 500;

IpPrefix random_subnet(IpFamily family, const RandomSource& random) {
  IpPrefix prefix;
  prefix.address.family = family;
  auto& bytes = prefix.address.bytes;
  if (family == IpFamily::kV4) {
    bytes[0] = 10;
    bytes[1] = static_cast<std::uint8_t>(random(256));
    bytes[2] = static_cast<std::uint8_t>(random(256));
    bytes[3] = 1;
    prefix.length = 24;
    return prefix;
  }
  bytes[0] = 0xFD;
  bytes[1] = 0x42;
  for (std::size_t i = 2; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(random(256));
  bytes[15] = 1;
  prefix.length = 64;
  return prefix;
}

// FNV-1a: the same on every host and in every version, unlike std::hash.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash ^ hash >> 32;
}

}  // namespace

RandomSource system_random() {
  return [](std::uint32_t bound) {
    std::uint32_t value = 0;
    while (::getrandom(&value, sizeof value, 0) != sizeof value) {
    }
    return value % bound;
  };
}

Result<IpPrefix> choose_subnet(IpFamily family, const std::vector<UsedSubnet>& used, const RandomSource& random) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const IpPrefix candidate = random_subnet(family, random);
    const bool taken = std::any_of(used.begin(), used.end(),
                                   [&](const UsedSubnet& other) { return netlink::overlaps(candidate, other.subnet); });
    if (!taken) return candidate;
  }
  return Error(ErrorKind::kNoSpace, family == IpFamily::kV4 ? "no free IPv4 subnet in 10.0.0.0/8; set ipv4.address"
                                                            : "no free IPv6 subnet in fd42::/16; set ipv6.address");
}

Result<void> check_subnet_free(const std::string& key, const IpPrefix& wanted, const std::vector<UsedSubnet>& used) {
  for (const UsedSubnet& other : used) {
    if (!netlink::overlaps(wanted, other.subnet)) continue;
    if (other.distant && other.subnet.length < wanted.length) continue;
    return invalid_value(key, netlink::format(wanted), "the subnet " + netlink::format(netlink::subnet_of(other.subnet)) +
                                                           " is already in use (" + other.owner + ")");
  }
  return kOk;
}

std::optional<netlink::IpAddress> choose_address(const std::vector<AddressRange>& ranges,
                                                 const std::set<netlink::IpAddress>& taken, const std::string& seed) {
  const std::uint64_t hash = hash_of(seed);
  for (const AddressRange& range : ranges) {
    const std::uint64_t span = netlink::distance(range.first, range.last);  // one less than the number of addresses
    const std::uint64_t tries = std::min<std::uint64_t>(span, taken.size());
    const std::uint64_t start = span == ~std::uint64_t{0} ? hash : hash % (span + 1);
    // Among taken.size() + 1 different addresses at least one is free.
    for (std::uint64_t step = 0; step <= tries; ++step) {
      const std::uint64_t offset = start <= span - step ? start + step : start - (span - step) - 1;
      const auto candidate = netlink::advance(range.first, offset);
      if (!taken.contains(candidate)) return candidate;
    }
  }
  return std::nullopt;
}

}  // namespace cella::manager
