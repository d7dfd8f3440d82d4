#include "manager/id_ranges.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/units.h"
#include "manager/database.h"

namespace cella::manager {
namespace {

constexpr IdWindow kUnowned{1000000, 999000000};

struct SubIds {
  bool of_root = false;
  IdWindow ids;
};

// One line, "root:100000:65536"; nullopt for comments and what cannot be read.
std::optional<SubIds> parse_line(std::string_view line) {
  const auto first_colon = line.find(':');
  const auto second_colon = line.find(':', first_colon == std::string_view::npos ? first_colon : first_colon + 1);
  if (second_colon == std::string_view::npos || line.front() == '#') return std::nullopt;
  const auto user = line.substr(0, first_colon);
  const auto first = parse_unsigned("first", line.substr(first_colon + 1, second_colon - first_colon - 1));
  const auto count = parse_unsigned("count", line.substr(second_colon + 1));
  if (!first.ok() || !count.ok() || *first == 0 || *first + *count > 0xffffffff) return std::nullopt;
  return SubIds{user == "root" || user == "0",
                {static_cast<std::uint32_t>(*first), static_cast<std::uint32_t>(*count)}};
}

std::vector<SubIds> parse_file(std::string_view text) {
  std::vector<SubIds> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto line = parse_line(text.substr(0, end))) lines.push_back(*line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::uint64_t end_of(const IdWindow& window) { return std::uint64_t{window.first} + window.count; }

void add_window(std::vector<IdWindow>& windows, std::uint64_t first, std::uint64_t end) {
  if (first + kRangeSize > end) return;
  windows.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(end - first)});
}

std::vector<IdWindow> common_to_root(const std::vector<SubIds>& users, const std::vector<SubIds>& groups) {
  std::vector<IdWindow> windows;
  for (const SubIds& user : users) {
    for (const SubIds& group : groups) {
      if (!user.of_root || !group.of_root) continue;
      add_window(windows, std::max(user.ids.first, group.ids.first), std::min(end_of(user.ids), end_of(group.ids)));
    }
  }
  return windows;
}

// What of kUnowned no line gives to anybody.
std::vector<IdWindow> named_by_nobody(std::vector<SubIds> owned) {
  std::sort(owned.begin(), owned.end(),
            [](const SubIds& left, const SubIds& right) { return left.ids.first < right.ids.first; });
  std::vector<IdWindow> windows;
  std::uint64_t next = kUnowned.first;
  for (const SubIds& line : owned) {
    add_window(windows, next, std::min(std::uint64_t{line.ids.first}, end_of(kUnowned)));
    next = std::max(next, end_of(line.ids));
  }
  add_window(windows, next, end_of(kUnowned));
  return windows;
}

// By base.
Result<std::vector<IdAllocation>> ranges_of_others(Database& database, std::int64_t instance_id) {
  std::vector<IdAllocation> ranges;
  auto query = TRY(database.prepare("SELECT base, size FROM id_ranges WHERE instance_id <> ? ORDER BY base"));
  query.bind(instance_id);
  while (TRY(query.step())) {
    ranges.push_back({static_cast<std::uint32_t>(query.number(0)), static_cast<std::uint32_t>(query.number(1))});
  }
  return ranges;
}

}  // namespace

std::vector<IdWindow> id_windows(std::string_view subuid, std::string_view subgid) {
  auto owned = parse_file(subuid);
  const auto groups = parse_file(subgid);
  std::vector<IdWindow> windows = common_to_root(owned, groups);
  owned.insert(owned.end(), groups.begin(), groups.end());
  const auto free = named_by_nobody(std::move(owned));
  windows.insert(windows.end(), free.begin(), free.end());
  return windows;
}

Result<IdAllocation> find_id_range(Database& database, const std::vector<IdWindow>& windows, std::int64_t instance_id,
                                   const IdWish& wish) {
  const auto taken = TRY(ranges_of_others(database, instance_id));
  for (const IdWindow& window : windows) {
    std::uint64_t base = std::max(window.first, wish.base.value_or(0));
    if (wish.base && *wish.base < window.first) continue;
    // Ranges taken under an earlier /etc/subuid need not be aligned to this window.
    for (const IdAllocation& other : taken) {
      if (other.base + std::uint64_t{other.size} <= base || other.base >= base + wish.size) continue;
      base = other.base + std::uint64_t{other.size};
    }
    if (wish.base && base != *wish.base) continue;
    if (base + wish.size > std::uint64_t{window.first} + window.count) continue;
    return IdAllocation{static_cast<std::uint32_t>(base), wish.size};
  }
  if (wish.base) {
    return invalid_value("security.idmap.base", std::to_string(*wish.base),
                         "the " + std::to_string(wish.size) +
                             " host ids from there are in use, or another user's in /etc/subuid and /etc/subgid");
  }
  return Error(ErrorKind::kNoSpace, "no free range of " + std::to_string(wish.size) +
                                        " host ids is left (see /etc/subuid and /etc/subgid)");
}

Result<IdAllocation> allocate_id_range(Database& database, const std::vector<IdWindow>& windows,
                                       std::int64_t instance_id, const IdWish& wish) {
  const auto range = TRY(find_id_range(database, windows, instance_id, wish));
  auto insert = TRY(database.prepare("INSERT INTO id_ranges (base, size, instance_id) VALUES (?, ?, ?) "
                                     "ON CONFLICT (instance_id) DO UPDATE SET base = excluded.base, size = excluded.size"));
  TRY(insert.bind(range.base, range.size, instance_id).run());
  return range;
}

}  // namespace cella::manager
