#include "netlink/ip.h"

#include <arpa/inet.h>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <optional>

#include "base/units.h"

namespace cella::netlink {
namespace {

// Bit `position` (0 = the first on the wire) belongs to the network part.
std::uint8_t network_mask(unsigned length, std::size_t byte) {
  const unsigned first = static_cast<unsigned>(byte) * 8;
  if (length >= first + 8) return 0xFF;
  if (length <= first) return 0;
  return static_cast<std::uint8_t>(0xFF00u >> (length - first));
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

}  // namespace

Result<IpAddress> parse_ip(std::string_view key, std::string_view text) {
  const std::string copy(text);
  IpAddress address;
  address.family = copy.find(':') == std::string::npos ? IpFamily::kV4 : IpFamily::kV6;
  const int family = address.family == IpFamily::kV4 ? AF_INET : AF_INET6;
  if (copy.size() != ::strlen(copy.c_str()) || ::inet_pton(family, copy.c_str(), address.bytes.data()) != 1) {
    return invalid_value(key, text, "not an IP address");
  }
  return address;
}

Result<IpPrefix> parse_prefix(std::string_view key, std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return invalid_value(key, text, "not an address with a prefix length (ADDRESS/LENGTH)");
  auto address = parse_ip(key, text.substr(0, slash));
  auto length = parse_unsigned(key, text.substr(slash + 1));
  if (!address.ok() || !length.ok() || *length > address->bits()) {
    return invalid_value(key, text, "not an address with a prefix length (ADDRESS/LENGTH)");
  }
  return IpPrefix{*address, static_cast<unsigned>(*length)};
}

Result<MacAddress> parse_mac(std::string_view key, std::string_view text) {
  const auto refused = [&] { return invalid_value(key, text, "not a MAC address (six hexadecimal bytes with colons)"); };
  if (text.size() != 17) return refused();
  MacAddress mac;
  for (std::size_t byte = 0; byte < 6; ++byte) {
    const auto high = hex_digit(text[byte * 3]);
    const auto low = hex_digit(text[byte * 3 + 1]);
    if (!high || !low || (byte < 5 && text[byte * 3 + 2] != ':')) return refused();
    mac.bytes[byte] = static_cast<std::uint8_t>(*high * 16 + *low);
  }
  if ((mac.bytes[0] & 1) != 0) return invalid_value(key, text, "a group address cannot be an interface's");
  return mac;
}

std::string format(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  const int family = address.family == IpFamily::kV4 ? AF_INET : AF_INET6;
  return ::inet_ntop(family, address.bytes.data(), text, sizeof text);
}

std::string format(const IpPrefix& prefix) { return format(prefix.address) + "/" + std::to_string(prefix.length); }

std::string format(const MacAddress& mac) {
  char text[18];
  const auto& b = mac.bytes;
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
  return text;
}

IpPrefix subnet_of(const IpPrefix& prefix) {
  IpPrefix subnet = prefix;
  for (std::size_t i = 0; i < prefix.address.size(); ++i) subnet.address.bytes[i] &= network_mask(prefix.length, i);
  return subnet;
}

IpAddress last_address(const IpPrefix& prefix) {
  IpAddress last = prefix.address;
  for (std::size_t i = 0; i < last.size(); ++i) {
    last.bytes[i] |= static_cast<std::uint8_t>(~network_mask(prefix.length, i));
  }
  return last;
}

bool contains(const IpPrefix& prefix, const IpAddress& address) {
  return prefix.address.family == address.family &&
         subnet_of({address, prefix.length}).address == subnet_of(prefix).address;
}

bool overlaps(const IpPrefix& one, const IpPrefix& other) {
  return one.length <= other.length ? contains(one, other.address) : contains(other, one.address);
}

IpAddress netmask(const IpPrefix& prefix) {
  IpAddress mask;
  mask.family = prefix.address.family;
  for (std::size_t i = 0; i < mask.size(); ++i) mask.bytes[i] = network_mask(prefix.length, i);
  return mask;
}

IpAddress advance(const IpAddress& address, std::uint64_t offset) {
  IpAddress result = address;
  unsigned carry = 0;
  for (std::size_t i = address.size(); i-- > 0;) {
    const unsigned sum = result.bytes[i] + static_cast<unsigned>(offset & 0xFF) + carry;
    result.bytes[i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8;
    offset >>= 8;
  }
  return result;
}

std::uint64_t distance(const IpAddress& first, const IpAddress& last) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 63;
  std::uint64_t value = 0;
  int borrow = 0;
  std::array<std::uint8_t, 16> difference{};
  for (std::size_t i = first.size(); i-- > 0;) {
    const int digit = int{last.bytes[i]} - int{first.bytes[i]} - borrow;
    borrow = digit < 0 ? 1 : 0;
    difference[i] = static_cast<std::uint8_t>(digit);
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (value >> 55 != 0) return kMost;
    value = value << 8 | difference[i];
  }
  return value > kMost ? kMost : value;
}

IpAddress eui64(const IpPrefix& prefix, const MacAddress& mac) {
  IpAddress address = subnet_of(prefix).address;
  const auto& m = mac.bytes;
  const std::uint8_t host[8] = {static_cast<std::uint8_t>(m[0] ^ 2), m[1], m[2], 0xFF, 0xFE, m[3], m[4], m[5]};
  for (std::size_t i = 0; i < 8; ++i) address.bytes[8 + i] = host[i];
  return address;
}

IpAddress link_local(const MacAddress& mac) {
  IpPrefix prefix;
  prefix.address.family = IpFamily::kV6;
  prefix.address.bytes[0] = 0xFE;
  prefix.address.bytes[1] = 0x80;
  prefix.length = 64;
  return eui64(prefix, mac);
}

}  // namespace cella::netlink
