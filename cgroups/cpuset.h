// The cpuset controller: on which CPUs and memory nodes a cgroup may run.
#pragma once

#include "cgroups/cgroup.h"
#include "cgroups/cpu_set.h"
#include "cgroups/hierarchy.h"

namespace cella::cgroups {

// Sets cpuset.cpus; the empty set takes the parent's. CPUs the parent does not have are ignored by the kernel.
// A populated cgroup refuses to be emptied (ENOSPC): it is then given the parent's effective CPUs by number.
Result<void> set_cpus(const Cgroup& cgroup, const CpuSet& cpus);
// Sets cpuset.mems, in the same way.
Result<void> set_memory_nodes(const Cgroup& cgroup, const CpuSet& nodes);
// Both of the above for text in the kernel's notation. file: "cpuset.cpus" or "cpuset.mems"; text: "0-1", "" or "\n".
Result<void> write_cpuset(const Cgroup& cgroup, const std::string& file, const std::string& text);
// cpuset.cpus.effective: where its processes run now.
Result<CpuSet> read_effective_cpus(const Cgroup& cgroup);

// The CPUs containers may be given: cpuset.cpus.effective of the root, or where v2 has no cpuset controller the online
// CPUs of the machine (online_cpus_file, "/sys/devices/system/cpu/online").
Result<CpuSet> usable_cpus(const Hierarchy& hierarchy,
                           const std::string& online_cpus_file = "/sys/devices/system/cpu/online");

}  // namespace cella::cgroups
