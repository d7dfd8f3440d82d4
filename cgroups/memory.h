// The memory controller. Values are bytes; nullopt stands for "max". The kernel rounds limits down to pages.
// Source: Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files".
#pragma once

#include <cstdint>
#include <optional>

#include "base/units.h"
#include "cgroups/cgroup.h"

namespace cella::cgroups {

// Errors of all of these: kNotFound if the cgroup is gone or its parent does not enable "memory".
Result<void> set_memory_max(const Cgroup& cgroup, std::optional<Bytes> limit);
Result<void> set_memory_high(const Cgroup& cgroup, std::optional<Bytes> limit);
Result<void> set_memory_low(const Cgroup& cgroup, Bytes protection);
// kNotFound also on a kernel without swap accounting.
Result<void> set_swap_max(const Cgroup& cgroup, std::optional<Bytes> limit);

Result<Bytes> read_memory_current(const Cgroup& cgroup);
// The most it ever used (memory.peak, Linux 5.19); swap: memory.swap.peak (6.5), nullopt on older kernels.
Result<std::optional<Bytes>> read_memory_peak(const Cgroup& cgroup);
Result<std::optional<Bytes>> read_swap_peak(const Cgroup& cgroup);
// nullopt without swap accounting.
Result<std::optional<Bytes>> read_swap_current(const Cgroup& cgroup);
// nullopt: no limit.
Result<std::optional<Bytes>> read_memory_max(const Cgroup& cgroup);

// memory.events: how often each thing happened in this cgroup and below.
struct MemoryEvents {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t max = 0;
  std::uint64_t oom = 0;
  std::uint64_t oom_kill = 0;
};
Result<MemoryEvents> read_memory_events(const Cgroup& cgroup);

// The lines of memory.stat that accounting views show.
struct MemoryStat {
  Bytes anonymous;
  Bytes file;
  Bytes kernel;
  Bytes shared;
  Bytes slab_reclaimable;
  Bytes inactive_file;
};
Result<MemoryStat> read_memory_stat(const Cgroup& cgroup);

}  // namespace cella::cgroups
