// Sizes and times as LXD's client prints them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cella::cli {

// "1.97MB": powers of 1000, two digits. decimals as asked.
std::string decimal_size(std::uint64_t bytes, int decimals = 2);
// "1.97MB" as image sizes are shown: always mebibytes, though the unit says otherwise; scripts compare these texts.
std::string image_size(std::int64_t bytes);
// "852.00KiB": powers of 1024.
std::string binary_size(std::uint64_t bytes, int decimals = 2);

// RFC 3339 text as "2026/11/23 08:11 UTC" in the local time zone; empty for "never" and for text that is no time.
std::string short_time(std::string_view rfc3339);
// "Nov 23, 2026 at 8:11am (UTC)", in UTC; empty as above.
std::string long_time(std::string_view rfc3339);
// False for "", for Go's zero time, and for 1970-01-01T00:00:00Z.
bool is_time_set(std::string_view rfc3339);

std::string upper_case(std::string_view text);
// "running" → "Running".
std::string capitalised(std::string_view text);

}  // namespace cella::cli
