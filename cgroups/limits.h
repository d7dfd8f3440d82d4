// What a cgroup is limited to, as numbers, and writing it: before the first process starts, and live.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "cgroups/cgroup.h"
#include "cgroups/cpu.h"
#include "cgroups/cpu_set.h"
#include "cgroups/io.h"

namespace cella::cgroups {

// Unset means the kernel's default: no limit. Equality is what live changes are computed from.
struct Limits {
  std::optional<std::uint32_t> cpu_weight;   // 1–10000
  std::optional<CpuQuota> cpu_max;
  std::optional<CpuSet> cpus;                // cpuset.cpus; unset or empty: the parent's
  std::optional<CpuSet> memory_nodes;        // cpuset.mems
  std::optional<Bytes> memory_max;
  std::optional<Bytes> memory_high;
  std::optional<Bytes> memory_low;           // a protection, not a limit
  std::optional<Bytes> swap_max;             // 0: no swap at all
  std::optional<std::uint64_t> pids_max;
  std::optional<std::uint32_t> io_weight;    // 1–10000
  std::vector<IoMax> io_max;                 // at most one per device
  std::map<std::string, Bytes> hugetlb_max;  // by page size, "2MB"
  bool operator==(const Limits&) const = default;
};

// The controllers without which the limits cannot be enforced.
ControllerSet needed_controllers(const Limits& limits);

// Errors: kUnsupported "controller memory is not available in cgroup v2 at WHERE" for the first one missing.
Result<void> check_controllers(const Limits& limits, ControllerSet available, const std::string& where);

// One write of a kernel file, and the value that takes it back.
struct LimitWrite {
  std::string file;
  std::string value;
  std::string undo;
  bool optional_file = false;  // a missing file is no error: the kernel has nothing to limit
  bool operator==(const LimitWrite&) const = default;
};

// The writes that turn `present` into `wanted`, in the order in which they must happen: what is unchanged is left out,
// what was removed goes back to the kernel's default (also swap.max and io.max), swap is widened before memory shrinks
// (so that reclaim has where to go) and narrowed after.
std::vector<LimitWrite> plan_limit_changes(const Limits& present, const Limits& wanted);

// Turns a cgroup that has the limits `present` into one that has `wanted`. For a new cgroup `present` is `{}`.
// All or nothing: when a write fails, those before it are taken back.
// Errors: kUnsupported as check_controllers(); kInvalid for a value the kernel refuses, naming file and value.
Result<void> apply_limits(const Cgroup& cgroup, const Limits& present, const Limits& wanted);

}  // namespace cella::cgroups
