#include "api/time.h"

#include <cstdio>

#include "base/units.h"

namespace cella::api {
namespace {

using std::chrono::nanoseconds;

// "833775733" → 833775733 ns; fewer digits are tenths, hundredths, …
std::optional<std::int64_t> parse_fraction(std::string_view digits) {
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  std::int64_t value = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    int digit = 0;
    if (i < digits.size()) {
      if (digits[i] < '0' || digits[i] > '9') return std::nullopt;
      digit = digits[i] - '0';
    }
    value = value * 10 + digit;
  }
  return value;
}

// A field of exactly `width` digits at `at`; -1 when it is none.
int field(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// "Z", "+01:30", "-00:15" → minutes east of UTC.
std::optional<int> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const int hours = field(text, 1, 2);
  const int minutes = field(text, 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

std::string format_time(std::optional<Time> time) {
  if (!time) return std::string(kNever);
  const auto day = std::chrono::floor<std::chrono::days>(*time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<nanoseconds> clock(*time - day);
  char text[64];
  int length = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                             static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                             static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                             static_cast<int>(clock.seconds().count()));
  std::string out(text, static_cast<std::size_t>(length));
  if (const std::int64_t fraction = clock.subseconds().count(); fraction != 0) {
    length = std::snprintf(text, sizeof text, ".%09lld", static_cast<long long>(fraction));
    std::string_view digits(text, static_cast<std::size_t>(length));
    out += digits.substr(0, digits.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

Result<std::optional<Time>> parse_time(std::string_view text) {
  if (text.empty()) return std::optional<Time>();
  const Error bad = invalid_value("time", text, "expected RFC 3339, for example 2026-11-23T05:22:11Z");
  const int year = field(text, 0, 4), month = field(text, 5, 2), day = field(text, 8, 2);
  const int hour = field(text, 11, 2), minute = field(text, 14, 2), second = field(text, 17, 2);
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':' || year < 0 || month < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60) {
    return bad;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return bad;
  std::string_view rest = text.substr(19);
  std::int64_t fraction = 0;
  if (rest.starts_with('.')) {
    const std::size_t end = rest.find_first_not_of("0123456789", 1);
    const auto parsed = parse_fraction(rest.substr(1, end == std::string_view::npos ? end : end - 1));
    if (!parsed || end == std::string_view::npos) return bad;
    fraction = *parsed;
    rest.remove_prefix(end);
  }
  const std::optional<int> offset = parse_offset(rest);
  if (!offset) return bad;
  // sys_time of nanoseconds ends in 2262; years outside 1970..2261 mean "never" to LXD's clients.
  if (year < 1970 || year > 2261) return std::optional<Time>();
  return std::optional<Time>(Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
                             std::chrono::minutes(minute - *offset) + std::chrono::seconds(second) +
                             nanoseconds(fraction));
}

}  // namespace cella::api
