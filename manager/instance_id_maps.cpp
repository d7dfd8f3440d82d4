#include "manager/instance_id_maps.h"

#include <algorithm>

#include "base/files.h"
#include "base/units.h"

namespace cella::manager {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return words;
    const auto end = std::min(line.find_first_of(" \t\r", begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

struct Ids {
  std::uint32_t first = 0;
  std::uint32_t count = 1;
};

// "1000" or "1000-1010".
Result<Ids> parse_ids(std::string_view key, std::string_view text) {
  const auto dash = text.find('-');
  const auto first = TRY(parse_unsigned(key, text.substr(0, dash)));
  const auto last = dash == std::string_view::npos ? first : TRY(parse_unsigned(key, text.substr(dash + 1)));
  if (last < first || last > 0xfffffffe) return invalid_value(key, text, "is no range of ids");
  return Ids{static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last - first + 1)};
}

Result<RawIds> parse_line(std::string_view key, std::string_view line) {
  const auto words = words_of(line);
  if (words.size() != 3) return invalid_value(key, line, "expected \"both|uid|gid HOST CONTAINER\"");
  RawIds raw;
  raw.users = words[0] == "both" || words[0] == "uid";
  raw.groups = words[0] == "both" || words[0] == "gid";
  if (!raw.users && !raw.groups) return invalid_value(key, line, "must begin with both, uid or gid");
  const Ids host = TRY(parse_ids(key, words[1]));
  const Ids inside = TRY(parse_ids(key, words[2]));
  if (host.count != inside.count) return invalid_value(key, line, "has ranges of different length");
  if (host.first == 0) return invalid_value(key, line, "the host's root cannot be mapped");
  raw.range = {inside.first, host.first, host.count};
  return raw;
}

// What is left of `ranges` without the container ids of `taken`.
std::vector<IdRange> without(const std::vector<IdRange>& ranges, const IdRange& taken) {
  std::vector<IdRange> left;
  for (const IdRange& range : ranges) {
    const std::uint64_t end = std::uint64_t{range.inside} + range.count;
    const std::uint64_t taken_end = std::uint64_t{taken.inside} + taken.count;
    const auto add = [&](std::uint64_t from, std::uint64_t to) {
      if (from >= to) return;
      const auto offset = static_cast<std::uint32_t>(from - range.inside);
      left.push_back({static_cast<std::uint32_t>(from), range.outside + offset, static_cast<std::uint32_t>(to - from)});
    };
    add(range.inside, std::min<std::uint64_t>(end, taken.inside));
    add(std::max<std::uint64_t>(range.inside, taken_end), end);
  }
  return left;
}

std::vector<IdRange> merged(const IdRange& base, const std::vector<RawIds>& raw, bool RawIds::*kind) {
  std::vector<IdRange> ranges{base};
  for (const RawIds& entry : raw) {
    if (entry.*kind) ranges = without(ranges, entry.range);
  }
  for (const RawIds& entry : raw) {
    if (entry.*kind) ranges.push_back(entry.range);
  }
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.inside < b.inside; });
  return ranges;
}

Result<std::vector<IdRange>> read_map(const std::string& path) {
  const std::string text = TRY(read_file(path));
  std::vector<IdRange> ranges;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto words = words_of(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (words.size() != 3) continue;
    ranges.push_back({static_cast<std::uint32_t>(TRY(parse_unsigned(path, words[0]))),
                      static_cast<std::uint32_t>(TRY(parse_unsigned(path, words[1]))),
                      static_cast<std::uint32_t>(TRY(parse_unsigned(path, words[2])))});
  }
  return ranges;
}

}  // namespace

Result<std::vector<RawIds>> parse_raw_idmap(std::string_view key, std::string_view text) {
  std::vector<RawIds> raw;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!words_of(line).empty()) raw.push_back(TRY(parse_line(key, line)));
  }
  return raw;
}

Result<void> check_raw_idmap(const std::vector<RawIds>& raw, const std::vector<IdWindow>& windows) {
  for (const RawIds& entry : raw) {
    const std::uint64_t end = std::uint64_t{entry.range.outside} + entry.range.count;
    for (const IdWindow& window : windows) {
      if (entry.range.outside >= std::uint64_t{window.first} + window.count || end <= window.first) continue;
      return invalid_value("raw.idmap", std::to_string(entry.range.outside),
                           "host ids from " + std::to_string(window.first) + " to " +
                               std::to_string(window.first + window.count - 1) + " are given to instances by cella");
    }
  }
  return kOk;
}

Result<IdMap> instance_id_map(std::uint32_t base, std::uint32_t size, const std::vector<RawIds>& raw) {
  const IdRange own{0, base, size};
  auto map = IdMap::create(merged(own, raw, &RawIds::users), merged(own, raw, &RawIds::groups));
  if (!map.ok()) return std::move(map).error().with_context("raw.idmap");
  return map;
}

Result<IdMap> id_map_of_process(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  return IdMap::create(TRY(read_map(directory + "/uid_map")), TRY(read_map(directory + "/gid_map")));
}

}  // namespace cella::manager
