#include "cli/quantity.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <iterator>

#include "api/time.h"

namespace cella::cli {
namespace {

template <std::size_t N>
std::string scaled(std::uint64_t bytes, int decimals, unsigned step, const char* const (&units)[N]) {
  if (bytes < step) return std::to_string(bytes) + "B";
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= step && unit < N) {
    value /= step;
    ++unit;
  }
  char text[64];
  std::snprintf(text, sizeof text, "%.*f%s", decimals, value, units[unit - 1]);
  return text;
}

// False when there is no time to show.
bool seconds_of(std::string_view rfc3339, std::time_t& seconds) {
  const auto time = api::parse_time(rfc3339);
  if (!time.ok() || !time->has_value()) return false;
  seconds =
      std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(**time));
  return true;
}

std::string format(const char* layout, const std::tm& parts) {
  char text[96];
  return std::string(text, std::strftime(text, sizeof text, layout, &parts));
}

}  // namespace

std::string decimal_size(std::uint64_t bytes, int decimals) {
  static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
  return scaled(bytes, decimals, 1000, kUnits);
}

std::string binary_size(std::uint64_t bytes, int decimals) {
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  return scaled(bytes, decimals, 1024, kUnits);
}

std::string image_size(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2fMB", static_cast<double>(bytes) / 1024.0 / 1024.0);
  return text;
}

bool is_time_set(std::string_view rfc3339) {
  std::time_t seconds = 0;
  return seconds_of(rfc3339, seconds) && seconds != 0;
}

std::string short_time(std::string_view rfc3339) {
  std::time_t seconds = 0;
  std::tm parts{};
  if (!seconds_of(rfc3339, seconds) || localtime_r(&seconds, &parts) == nullptr) return {};
  return format("%Y/%m/%d %H:%M %Z", parts);
}

std::string long_time(std::string_view rfc3339) {
  std::time_t seconds = 0;
  std::tm parts{};
  if (!seconds_of(rfc3339, seconds) || gmtime_r(&seconds, &parts) == nullptr) return {};
  const int hour = parts.tm_hour % 12 == 0 ? 12 : parts.tm_hour % 12;
  char text[128];
  std::snprintf(text, sizeof text, "%s %d, %d at %d:%02d%s (UTC)", format("%b", parts).c_str(), parts.tm_mday,
                parts.tm_year + 1900, hour, parts.tm_min, parts.tm_hour < 12 ? "am" : "pm");
  return text;
}

std::string upper_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

std::string capitalised(std::string_view text) {
  std::string out(text);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

}  // namespace cella::cli
