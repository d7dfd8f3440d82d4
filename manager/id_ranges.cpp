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

Result<std::uint32_t> allocate_id_range(Database& database, const std::vector<IdWindow>& windows,
                                        std::int64_t instance_id) {
  std::vector<std::uint64_t> taken;
  {
    auto query = TRY(database.prepare("SELECT base FROM id_ranges ORDER BY base"));
    while (TRY(query.step())) taken.push_back(static_cast<std::uint64_t>(query.number(0)));
  }
  for (const IdWindow& window : windows) {
    std::uint64_t base = window.first;
    // Ranges taken under an earlier /etc/subuid need not be aligned to this window.
    for (const auto other : taken) {
      if (other + kRangeSize > base && other < base + kRangeSize) base = other + kRangeSize;
    }
    if (base + kRangeSize > std::uint64_t{window.first} + window.count) continue;
    auto insert = TRY(database.prepare("INSERT INTO id_ranges (base, instance_id) VALUES (?, ?)"));
    TRY(insert.bind(base, instance_id).run());
    return static_cast<std::uint32_t>(base);
  }
  return Error(ErrorKind::kNoSpace, "no free range of 65536 host ids is left (see /etc/subuid and /etc/subgid)");
}

}  // namespace cella::manager
