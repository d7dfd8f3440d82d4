#include "base/id_map.h"

#include <limits>

namespace cella {
namespace {

constexpr std::size_t kMaxLines = 340;
// 2^32 - 1 means "no id" to the kernel, so the last usable id is one below.
constexpr std::uint64_t kEnd = std::numeric_limits<std::uint32_t>::max();

std::string line_of(const IdRange& range) {
  return std::to_string(range.inside) + " " + std::to_string(range.outside) + " " + std::to_string(range.count) + "\n";
}

bool overlap(std::uint64_t first, std::uint64_t second, std::uint64_t first_count, std::uint64_t second_count) {
  return first < second + second_count && second < first + first_count;
}

Result<void> check(const std::vector<IdRange>& ranges) {
  if (ranges.empty() || ranges.size() > kMaxLines)
    return Error(ErrorKind::kInvalid, "id map: needs 1 to 340 ranges, has " + std::to_string(ranges.size()));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const IdRange& range = ranges[i];
    const std::string line = line_of(range).substr(0, line_of(range).size() - 1);
    if (range.count == 0) return invalid_value("id map range", line, "it is empty");
    if (std::uint64_t{range.inside} + range.count > kEnd || std::uint64_t{range.outside} + range.count > kEnd)
      return invalid_value("id map range", line, "it runs past the last id");
    for (std::size_t j = 0; j < i; ++j) {
      if (overlap(range.inside, ranges[j].inside, range.count, ranges[j].count) ||
          overlap(range.outside, ranges[j].outside, range.count, ranges[j].count))
        return invalid_value("id map range", line, "it overlaps another range");
    }
  }
  return kOk;
}

std::string text_of(const std::vector<IdRange>& ranges) {
  std::string text;
  for (const IdRange& range : ranges) text += line_of(range);
  return text;
}

std::optional<HostId> find_host(const std::vector<IdRange>& ranges, ContainerId id) {
  for (const IdRange& range : ranges) {
    if (id.value >= range.inside && id.value - range.inside < range.count)
      return HostId{range.outside + (id.value - range.inside)};
  }
  return std::nullopt;
}

Result<std::uint32_t> parse_id(std::string_view key, std::string_view whole, std::string_view text) {
  const auto number = parse_unsigned(key, text);
  if (!number.ok() || *number > kEnd) return invalid_value(key, whole, "not INSIDE:OUTSIDE:COUNT");
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

Result<IdMap> IdMap::create(std::vector<IdRange> users, std::vector<IdRange> groups) {
  TRY(check(users));
  TRY(check(groups));
  return IdMap(std::move(users), std::move(groups));
}

Result<IdMap> IdMap::isolated(std::uint32_t outside, std::uint32_t count) {
  return create({{0, outside, count}}, {{0, outside, count}});
}

Result<IdMap> IdMap::parse(std::string_view key, std::string_view text) {
  std::vector<IdRange> ranges;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const std::size_t first = part.find(':');
    const std::size_t second = first == std::string_view::npos ? first : part.find(':', first + 1);
    if (second == std::string_view::npos) return invalid_value(key, text, "not INSIDE:OUTSIDE:COUNT");
    ranges.push_back({TRY(parse_id(key, text, part.substr(0, first))),
                      TRY(parse_id(key, text, part.substr(first + 1, second - first - 1))),
                      TRY(parse_id(key, text, part.substr(second + 1)))});
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return TRY_CONTEXT(key, create(ranges, ranges));
}

std::string IdMap::users_text() const { return text_of(users_); }
std::string IdMap::groups_text() const { return text_of(groups_); }

std::optional<HostId> IdMap::user_to_host(ContainerId user) const { return find_host(users_, user); }
std::optional<HostId> IdMap::group_to_host(ContainerId group) const { return find_host(groups_, group); }

}  // namespace cella
