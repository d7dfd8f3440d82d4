// Internet and hardware addresses as values: parse, format, compare, and the arithmetic that choosing subnets needs.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::netlink {

enum class IpFamily : std::uint8_t { kV4, kV6 };

// One address. bytes: network order; IPv4 uses the first four, the rest stay zero.
struct IpAddress {
  IpFamily family = IpFamily::kV4;
  std::array<std::uint8_t, 16> bytes{};

  std::size_t size() const { return family == IpFamily::kV4 ? 4 : 16; }
  unsigned bits() const { return family == IpFamily::kV4 ? 32 : 128; }
  auto operator<=>(const IpAddress&) const = default;
};

// An address and the length of its network part: an interface's address (10.1.2.1/24) or a subnet (10.1.2.0/24).
struct IpPrefix {
  IpAddress address;
  unsigned length = 0;
  auto operator<=>(const IpPrefix&) const = default;
};

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  auto operator<=>(const MacAddress&) const = default;
};

// Errors: kInvalid naming key and text. "192.0.2.1", "2001:db8::1".
Result<IpAddress> parse_ip(std::string_view key, std::string_view text);
// "192.0.2.1/24". The host part is kept. A missing "/" is an error.
Result<IpPrefix> parse_prefix(std::string_view key, std::string_view text);
// "00:16:3e:12:34:56", any case. A group address is an error.
Result<MacAddress> parse_mac(std::string_view key, std::string_view text);

std::string format(const IpAddress& address);
std::string format(const IpPrefix& prefix);
std::string format(const MacAddress& mac);

// The prefix with every host bit cleared.
IpPrefix subnet_of(const IpPrefix& prefix);
// The address with every host bit set (the broadcast address for IPv4).
IpAddress last_address(const IpPrefix& prefix);
bool contains(const IpPrefix& prefix, const IpAddress& address);
// True when one holds the other. Different families never overlap.
bool overlaps(const IpPrefix& one, const IpPrefix& other);
IpAddress netmask(const IpPrefix& prefix);

// address + offset, wrapping inside the family.
IpAddress advance(const IpAddress& address, std::uint64_t offset);
// last - first of one family, saturated at 2^63. last must not be below first.
std::uint64_t distance(const IpAddress& first, const IpAddress& last);

// The address a host with this MAC gives itself in a /64 (RFC 4291, modified EUI-64).
IpAddress eui64(const IpPrefix& prefix, const MacAddress& mac);
// fe80::/64 with the same host part.
IpAddress link_local(const MacAddress& mac);

}  // namespace cella::netlink
