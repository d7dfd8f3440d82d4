#include "manager/id_ranges.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/units.h"
#include "manager/database.h"

namespace cella::manager {
namespace {

constexpr IdWindow kDefaultWindow{1000000, 999000000};

// One line, "root:100000:65536"; nullopt for other users, comments and what cannot be read.
std::optional<IdWindow> parse_line(std::string_view line) {
  const auto first_colon = line.find(':');
  const auto second_colon = line.find(':', first_colon == std::string_view::npos ? first_colon : first_colon + 1);
  if (second_colon == std::string_view::npos) return std::nullopt;
  const auto user = line.substr(0, first_colon);
  if (user != "root" && user != "0") return std::nullopt;
  const auto first = parse_unsigned("first", line.substr(first_colon + 1, second_colon - first_colon - 1));
  const auto count = parse_unsigned("count", line.substr(second_colon + 1));
  if (!first.ok() || !count.ok() || *first == 0 || *first + *count > 0xffffffff) return std::nullopt;
  return IdWindow{static_cast<std::uint32_t>(*first), static_cast<std::uint32_t>(*count)};
}

std::vector<IdWindow> parse_file(std::string_view text) {
  std::vector<IdWindow> windows;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (const auto window = parse_line(text.substr(0, end))) windows.push_back(*window);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
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

Result<std::vector<IdWindow>> id_windows(std::string_view subuid, std::string_view subgid) {
  const auto users = parse_file(subuid);
  const auto groups = parse_file(subgid);
  if (users.empty() && groups.empty()) return std::vector{kDefaultWindow};
  std::vector<IdWindow> windows;
  for (const IdWindow& user : users) {
    for (const IdWindow& group : groups) {
      const auto first = std::max(user.first, group.first);
      const auto end = std::min(std::uint64_t{user.first} + user.count, std::uint64_t{group.first} + group.count);
      if (first + std::uint64_t{kRangeSize} <= end) {
        windows.push_back({first, static_cast<std::uint32_t>(end - first)});
      }
    }
  }
  if (windows.empty()) {
    return Error(ErrorKind::kInvalid, "/etc/subuid and /etc/subgid give root no common range of 65536 ids");
  }
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
                             " host ids from there are in use, or not root's in /etc/subuid and /etc/subgid");
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
