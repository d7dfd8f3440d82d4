#include "manager/cron.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <span>
#include <string>

#include "base/units.h"

namespace cella::manager {
namespace {

constexpr int kDaysAhead = 8 * 366;

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Range {
  unsigned first, last;
};

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + separator.size());
  }
}

// "5", "mar", "sun".
Result<unsigned> parse_point(std::string_view text, Range allowed, std::span<const std::string_view> names) {
  const auto name = std::find(names.begin(), names.end(), text);
  if (name != names.end()) {
    const auto place = static_cast<unsigned>(name - names.begin());
    return names.size() == kMonths.size() ? place + 1 : place;
  }
  const auto number = parse_unsigned("field", text);
  if (!number.ok() || *number < allowed.first || *number > allowed.last) {
    return Error(ErrorKind::kInvalid, "\"" + std::string(text) + "\" is not a number from " +
                                          std::to_string(allowed.first) + " to " + std::to_string(allowed.last));
  }
  return static_cast<unsigned>(*number);
}

// One member of a list, "*", "3", "1-5", "*/10", "1-20/5" or "5/10" (from 5 to the end), set in `out`.
template <std::size_t Size>
Result<void> parse_member(std::string_view text, Range allowed, std::span<const std::string_view> names,
                          std::bitset<Size>& out) {
  const auto slash = text.find('/');
  const auto points = text.substr(0, slash);
  std::uint64_t step = 1;
  if (slash != std::string_view::npos) {
    const auto given = parse_unsigned("step", text.substr(slash + 1));
    if (!given.ok() || *given == 0 || *given > allowed.last) {
      return Error(ErrorKind::kInvalid, "\"" + std::string(text) + "\" has no valid step");
    }
    step = *given;
  }
  Range range = allowed;
  if (points != "*" && points != "?") {
    const auto dash = points.find('-');
    range.first = TRY(parse_point(points.substr(0, dash), allowed, names));
    if (dash != std::string_view::npos) {
      range.last = TRY(parse_point(points.substr(dash + 1), allowed, names));
    } else if (slash == std::string_view::npos) {
      range.last = range.first;
    }
    if (range.last < range.first) {
      return Error(ErrorKind::kInvalid, "range \"" + std::string(points) + "\" ends before it begins");
    }
  }
  for (std::uint64_t at = range.first; at <= range.last; at += step) out.set(at);
  return kOk;
}

template <std::size_t Size>
Result<std::bitset<Size>> parse_field(std::string_view text, Range allowed,
                                      std::span<const std::string_view> names = {}) {
  std::bitset<Size> out;
  for (const auto member : split(text, ",")) TRY(parse_member(member, allowed, names, out));
  return out;
}

// What a word means for one subject; empty for those that are never due by the clock, nullopt for an unknown word.
std::optional<std::string> fields_of(std::string_view word, std::uint64_t subject) {
  // Knuth's multiplicative hash: neighbouring ids fall far apart.
  const auto spread = static_cast<std::uint32_t>(subject * 2654435761u);
  const auto minute = std::to_string(spread % 60);
  const auto hour = std::to_string(spread / 60 % 24);
  if (word == "@hourly") return minute + " * * * *";
  if (word == "@daily") return minute + " " + hour + " * * *";
  if (word == "@midnight") return minute + " 0 * * *";
  if (word == "@weekly") return minute + " " + hour + " * * 0";
  if (word == "@monthly") return minute + " " + hour + " 1 * *";
  if (word == "@annually" || word == "@yearly") return minute + " " + hour + " 1 1 *";
  if (word == "@startup" || word == "@never") return std::string();
  return std::nullopt;
}

}  // namespace

Result<Schedule::Times> Schedule::parse_fields(std::string_view key, std::string_view text) {
  std::vector<std::string_view> fields = split(text, " ");
  std::erase(fields, std::string_view());
  const auto bad = [&](const std::string& why) { return invalid_value(key, text, why); };
  if (fields.size() != 5) {
    return bad("expected five fields \"MINUTE HOUR DAY MONTH WEEKDAY\" or a word such as @daily");
  }
  Times times;
  const auto read = [&]() -> Result<void> {
    times.minutes = TRY_CONTEXT("minute", parse_field<60>(fields[0], {0, 59}));
    times.hours = TRY_CONTEXT("hour", parse_field<24>(fields[1], {0, 23}));
    times.days = TRY_CONTEXT("day", parse_field<32>(fields[2], {1, 31}));
    times.months = TRY_CONTEXT("month", parse_field<13>(fields[3], {1, 12}, kMonths));
    times.weekdays = TRY_CONTEXT("weekday", parse_field<8>(fields[4], {0, 7}, kWeekdays));
    return kOk;
  };
  if (const auto done = read(); !done.ok()) return bad(done.error().message());
  if (times.weekdays.test(7)) times.weekdays.set(0);
  times.any_day = fields[2] == "*" || fields[2] == "?";
  times.any_weekday = fields[4] == "*" || fields[4] == "?";
  return times;
}

Result<Schedule> Schedule::parse(std::string_view key, std::string_view text, std::uint64_t subject) {
  Schedule schedule;
  if (text.empty()) return schedule;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  // A comma alone belongs to a list within a field.
  for (const auto one : split(lower, ", ")) {
    if (!one.starts_with('@')) {
      schedule.times_.push_back(TRY(parse_fields(key, one)));
      continue;
    }
    const auto fields = fields_of(one, subject);
    if (!fields) return invalid_value(key, text, "\"" + std::string(one) + "\" is no schedule");
    if (one == "@startup") schedule.at_startup_ = true;
    if (!fields->empty()) schedule.times_.push_back(TRY(parse_fields(key, *fields)));
  }
  return schedule;
}

std::optional<Timestamp> Schedule::next_of(const Times& times, Timestamp after) {
  const std::time_t from = std::chrono::system_clock::to_time_t(after);
  std::tm start{};
  ::localtime_r(&from, &start);
  for (int ahead = 0; ahead < kDaysAhead; ++ahead) {
    std::tm day{};
    day.tm_year = start.tm_year;
    day.tm_mon = start.tm_mon;
    day.tm_mday = start.tm_mday + ahead;
    day.tm_hour = 12;  // noon exists on every day
    day.tm_isdst = -1;
    ::mktime(&day);
    if (!times.months.test(static_cast<std::size_t>(day.tm_mon + 1))) continue;
    const bool by_day = times.days.test(static_cast<std::size_t>(day.tm_mday));
    const bool by_weekday = times.weekdays.test(static_cast<std::size_t>(day.tm_wday));
    const bool either = !times.any_day && !times.any_weekday;
    if (either ? !by_day && !by_weekday : !by_day || !by_weekday) continue;
    for (int minute = 0; minute < 24 * 60; ++minute) {
      if (!times.hours.test(static_cast<std::size_t>(minute / 60))) continue;
      if (!times.minutes.test(static_cast<std::size_t>(minute % 60))) continue;
      std::tm moment = day;
      moment.tm_hour = minute / 60;
      moment.tm_min = minute % 60;
      moment.tm_isdst = -1;
      const std::time_t found = ::mktime(&moment);
      // An hour that daylight saving leaves out comes back as another one: not due on that day.
      if (moment.tm_hour * 60 + moment.tm_min != minute) continue;
      if (const auto time = std::chrono::system_clock::from_time_t(found); time > after) return time;
    }
  }
  return std::nullopt;
}

std::optional<Timestamp> Schedule::next(Timestamp after) const {
  std::optional<Timestamp> first;
  for (const Times& times : times_) {
    const auto found = next_of(times, after);
    if (found && (!first || *found < *first)) first = found;
  }
  return first;
}

Result<void> check_schedule(std::string_view key, std::string_view value) {
  TRY(Schedule::parse(key, value, 0));
  return kOk;
}

}  // namespace cella::manager
