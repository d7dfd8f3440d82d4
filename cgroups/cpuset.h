// The cpuset controller: on which CPUs and memory nodes a cgroup may run.
#pragma once

#include "cgroups/cgroup.h"
#include "cgroups/cpu_set.h"
#include "cgroups/hierarchy.h"

namespace cella::cgroups {

// Sets cpuset.cpus; the empty set takes the parent's. CPUs the parent does not have are ignored by the kernel.
Result<void> set_cpus(const Cgroup& cgroup, const CpuSet& cpus);
// Sets cpuset.mems.
Result<void> set_memory_nodes(const Cgroup& cgroup, const CpuSet& nodes);
// cpuset.cpus.effective: where its processes run now.
Result<CpuSet> read_effective_cpus(const Cgroup& cgroup);

// The CPUs containers may be given: cpuset.cpus.effective of the root, or where v2 has no cpuset controller the online
// CPUs of the machine (online_cpus_file, "/sys/devices/system/cpu/online").
Result<CpuSet> usable_cpus(const Hierarchy& hierarchy,
                           const std::string& online_cpus_file = "/sys/devices/system/cpu/online");

}  // namespace cella::cgroups
