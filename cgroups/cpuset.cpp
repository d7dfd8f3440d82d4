#include "cgroups/cpuset.h"

#include <cerrno>

#include "base/files.h"

namespace cella::cgroups {

// An empty write(2) does not reach the kernel's parser, so the empty set is a newline.
Result<void> write_cpuset(const Cgroup& cgroup, const std::string& file, const std::string& text) {
  const bool empty = text.empty() || text == "\n";
  auto written = cgroup.write(file, empty ? "\n" : text);
  if (written || !empty || written.error().errno_value() != ENOSPC) return written;
  return cgroup.write(file, TRY(cgroup.read("../" + file + ".effective")));
}

Result<void> set_cpus(const Cgroup& cgroup, const CpuSet& cpus) { return write_cpuset(cgroup, "cpuset.cpus", cpus.text()); }

Result<void> set_memory_nodes(const Cgroup& cgroup, const CpuSet& nodes) {
  return write_cpuset(cgroup, "cpuset.mems", nodes.text());
}

Result<CpuSet> read_effective_cpus(const Cgroup& cgroup) {
  return CpuSet::parse("cpuset.cpus.effective", TRY(cgroup.read("cpuset.cpus.effective")));
}

Result<CpuSet> usable_cpus(const Hierarchy& hierarchy, const std::string& online_cpus_file) {
  if (TRY(hierarchy.available()).has(Controller::kCpuset)) {
    auto effective = read_effective_cpus(hierarchy.root());
    if (effective || effective.error().kind() != ErrorKind::kNotFound) return effective;
  }
  return CpuSet::parse(online_cpus_file, TRY(read_file(online_cpus_file)));
}

}  // namespace cella::cgroups
