#include "cgroups/pids.h"

#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

Result<std::uint64_t> count_threads(const Cgroup& cgroup) {
  std::uint64_t count = split_lines(TRY(cgroup.read("cgroup.threads"))).size();
  for (const std::string& name : TRY(cgroup.children())) {
    // A child removed in between has no threads.
    const auto child = cgroup.open_child(name);
    const auto below = child ? count_threads(*child) : Result<std::uint64_t>(child.error());
    if (below) count += *below;
    if (!below && below.error().kind() != ErrorKind::kNotFound) return below;
  }
  return count;
}

}  // namespace

Result<void> set_pids_max(const Cgroup& cgroup, std::optional<std::uint64_t> limit) {
  return cgroup.write("pids.max", limit ? std::to_string(*limit) : "max");
}

Result<std::uint64_t> read_pids_current(const Cgroup& cgroup) {
  return TRY(cgroup.read_number("pids.current")).value_or(0);
}

Result<std::uint64_t> read_pids_refused(const Cgroup& cgroup) {
  return flat_or_zero(TRY(cgroup.read("pids.events")), "max");
}

Result<std::uint64_t> count_processes(const Cgroup& cgroup) {
  auto current = read_pids_current(cgroup);
  if (current || current.error().kind() != ErrorKind::kNotFound) return current;
  return count_threads(cgroup);
}

}  // namespace cella::cgroups
