// RFC 3339 times as the wire has them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::api {

using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

// Text of the time that means "never" (Go's zero time).
inline constexpr std::string_view kNever = "0001-01-01T00:00:00Z";

// "2026-11-23T05:22:11.833775733Z": UTC, as many digits of the fraction as are not trailing zeros. nullopt: kNever.
std::string format_time(std::optional<Time> time);

// Takes any offset and 0 to 9 digits of fraction. nullopt for "", and for years before 1970 (kNever, LXD's
// 1970-01-01T00:00:00Z is a time). Errors: kInvalid naming the text.
Result<std::optional<Time>> parse_time(std::string_view text);

}  // namespace cella::api
