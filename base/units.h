// Quantities with a unit, and strict parsing of what a user may write for them.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cella {

struct Bytes {
  std::uint64_t value = 0;
  auto operator<=>(const Bytes&) const = default;
};

// A user or group id as the host sees it, and as a container sees it. Two types so that they cannot be mixed up.
struct HostId {
  std::uint32_t value = 0;
  auto operator<=>(const HostId&) const = default;
};
struct ContainerId {
  std::uint32_t value = 0;
  auto operator<=>(const ContainerId&) const = default;
};

// A whole decimal number without sign, space or trailing text. Errors: kInvalid naming key and text.
Result<std::uint64_t> parse_unsigned(std::string_view key, std::string_view text);
// The same with a leading "-" allowed.
Result<std::int64_t> parse_signed(std::string_view key, std::string_view text);

// LXD's size notation: a number, then nothing or "B" (bytes), kB MB GB TB PB EB (powers of 1000) or
// KiB MiB GiB TiB PiB EiB (powers of 1024). Errors: kInvalid naming key and text, also on overflow.
Result<Bytes> parse_size(std::string_view key, std::string_view text);

// LXD's rate notation for networks: bit kbit Mbit Gbit Tbit (1000) and Kibit Mibit Gibit Tibit (1024). Bits per second.
Result<std::uint64_t> parse_bit_rate(std::string_view key, std::string_view text);

// "true"/"1"/"yes"/"on" and "false"/"0"/"no"/"off" in any case, as LXD takes them. Errors: kInvalid.
Result<bool> parse_bool(std::string_view key, std::string_view text);

// "1.50MiB": two digits after the point, units of 1024, as LXD's client prints sizes.
std::string format_size(Bytes size);

}  // namespace cella
