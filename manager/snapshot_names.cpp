#include "manager/snapshot_names.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "manager/template_engine.h"
#include "storage/volume.h"

namespace cella::manager {
namespace {

constexpr std::string_view kNumber = "%d";
constexpr long kHighestNumber = 1'000'000'000;

std::string time_text(Timestamp time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const auto size = std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
  return std::string(text, size);
}

// The number that stands between prefix and suffix in a name; -1 when the name is of another make.
long number_in(std::string_view name, std::string_view prefix, std::string_view suffix) {
  if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) return -1;
  const auto digits = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  long number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && number >= 0 && number < kHighestNumber ? number : -1;
}

std::string numbered(const std::string& prefix, const std::string& suffix, const std::vector<std::string>& present) {
  long highest = -1;
  for (const auto& name : present) highest = std::max(highest, number_in(name, prefix, suffix));
  return prefix + std::to_string(highest + 1) + suffix;
}

Result<std::string> render(const std::string& pattern, Timestamp now) {
  TemplateContext context;
  context.values["creation_date"] = TemplateValue(time_text(now));
  return render_template(pattern, context);
}

Result<Timestamp> add_unit(Timestamp from, long count, char unit) {
  using namespace std::chrono;
  switch (unit) {
    case 'M':
      return from + minutes(count);
    case 'H':
      return from + hours(count);
    case 'd':
      return from + days(count);
    case 'w':
      return from + weeks(count);
    case 'm':
    case 'y':
      break;
    default:
      return Error(ErrorKind::kInvalid, std::string("unit '") + unit + "' is none of M, H, d, w, m, y");
  }
  const auto day = floor<days>(from);
  year_month_day date(day);
  date += unit == 'm' ? months(count) : months(12 * count);
  // 31 January and a month: early in March, as LXD counts.
  return sys_days(date.year() / date.month() / 1) + days(static_cast<unsigned>(date.day()) - 1) + (from - day);
}

}  // namespace

Result<void> check_snapshot_name(std::string_view name) {
  if (name.find('/') == std::string_view::npos &&
      storage::check_volume_name({storage::VolumeKind::kRoot, std::string(name)}).ok()) {
    return kOk;
  }
  return invalid_value("snapshot name", name,
                       "expected letters, digits, '.', '_' and '-', beginning with neither '.' nor '-'");
}

Result<std::string> next_snapshot_name(const std::string& pattern, const std::vector<std::string>& present,
                                       Timestamp now) {
  std::string name = TRY_CONTEXT("snapshots.pattern", render(pattern.empty() ? "snap%d" : pattern, now));
  if (const auto at = name.find(kNumber); at != std::string::npos) {
    const std::string prefix = name.substr(0, at);
    const std::string suffix = name.substr(at + kNumber.size());
    if (suffix.find(kNumber) != std::string::npos) {
      return invalid_value("snapshots.pattern", pattern, "\"%d\" may stand in it only once");
    }
    name = numbered(prefix, suffix, present);
  } else if (std::find(present.begin(), present.end(), name) != present.end()) {
    name = numbered(name + "-", "", present);
  }
  TRY_CONTEXT("snapshots.pattern", check_snapshot_name(name));
  return name;
}

Result<void> check_snapshot_pattern(std::string_view, std::string_view value) {
  TRY(next_snapshot_name(std::string(value), {}, std::chrono::system_clock::now()));
  return kOk;
}

Result<std::optional<Timestamp>> expiry_time(std::string_view key, std::string_view value, Timestamp from) {
  std::optional<Timestamp> time;
  std::string_view rest = value;
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    const auto word = rest.substr(0, space);
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
    if (word.empty()) continue;
    long count = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
    if (error != std::errc() || end + 1 != word.data() + word.size() || count < 0 || count > 10'000'000) {
      return invalid_value(key, value, "expected numbers with units, like \"1H 3d 2w\"");
    }
    const auto later = add_unit(time.value_or(from), count, *end);
    if (!later.ok()) return invalid_value(key, value, later.error().message());
    time = *later;
  }
  return time;
}

}  // namespace cella::manager
