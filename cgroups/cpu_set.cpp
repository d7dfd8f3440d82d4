#include "cgroups/cpu_set.h"

#include <algorithm>
#include <iterator>

#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

// "3" or "0-1"; nullopt when it is neither.
std::optional<std::pair<std::uint32_t, std::uint32_t>> parse_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = find_number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : find_number(text.substr(dash + 1));
  if (!first || !last || *last < *first || *last > kMaxCpu) return std::nullopt;
  return std::pair(static_cast<std::uint32_t>(*first), static_cast<std::uint32_t>(*last));
}

}  // namespace

Result<CpuSet> CpuSet::parse(std::string_view key, std::string_view text) {
  CpuSet set;
  const std::string_view trimmed = text.substr(0, text.find_last_not_of('\n') + 1);
  std::size_t start = 0;
  while (start < trimmed.size() || (start > 0 && start == trimmed.size())) {
    const std::size_t end = std::min(trimmed.find(',', start), trimmed.size());
    const auto range = parse_range(trimmed.substr(start, end - start));
    if (!range) return invalid_value(key, text, "not a list of CPUs such as 0-1,3");
    for (std::uint32_t cpu = range->first; cpu <= range->second; ++cpu) set.add(cpu);
    if (end == trimmed.size()) break;
    start = end + 1;
  }
  return set;
}

CpuSet CpuSet::intersection(const CpuSet& other) const {
  CpuSet common;
  std::set_intersection(cpus_.begin(), cpus_.end(), other.cpus_.begin(), other.cpus_.end(),
                        std::inserter(common.cpus_, common.cpus_.end()));
  return common;
}

std::string CpuSet::text() const {
  std::string text;
  for (auto it = cpus_.begin(); it != cpus_.end();) {
    const std::uint32_t first = *it;
    std::uint32_t last = first;
    while (++it != cpus_.end() && *it == last + 1) last = *it;
    if (!text.empty()) text += ',';
    text += std::to_string(first);
    if (last != first) text += "-" + std::to_string(last);
  }
  return text;
}

}  // namespace cella::cgroups
