// What a user writes for a limit (LXD's notation) turned into numbers. Every function is pure.
// `key` is the name that errors carry ("limits.cpu"); all errors are kInvalid with key and value unless said.
// Source: LXD 5.0 lxd/cgroup/cgroup_cpu.go and driver_lxc.go; the repaired points are named at each function.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/units.h"
#include "cgroups/cpu.h"
#include "cgroups/cpu_set.h"

namespace cella::cgroups {

// limits.cpu: "2" is a number of CPUs for the balancer to choose, "0-1,3" or "1-1" is a set of them.
// Errors also for 0 and for an empty text.
using CpuRequest = std::variant<std::uint32_t, CpuSet>;
Result<CpuRequest> parse_cpu_request(std::string_view key, std::string_view text);

// limits.cpu.allowance: "25%" is a share (the weight), "25ms/100ms" a hard quota per period.
// Repaired: a share of 0 or over 10000 %, and a quota under 1 ms or a period outside 1 ms–1 s, is refused here; LXD fails at start.
using CpuAllowance = std::variant<std::uint32_t, CpuQuota>;
Result<CpuAllowance> parse_cpu_allowance(std::string_view key, std::string_view text);

// limits.cpu.priority and limits.disk.priority: 0 to 10.
Result<std::uint32_t> parse_priority(std::string_view key, std::string_view text);

// cpu.weight = share (100 unless the allowance is a percentage) − (10 − priority). Repaired: never under 1.
// Both unset: nullopt, the kernel's 100.
std::optional<std::uint32_t> cpu_weight(std::optional<CpuAllowance> allowance, std::optional<std::uint32_t> priority);
// cpu.max: the quota, if the allowance is one.
std::optional<CpuQuota> cpu_quota(const std::optional<CpuAllowance>& allowance);

// io.weight = 100 · priority, and 10 for priority 0.
std::uint32_t io_weight(std::uint32_t priority);

// limits.memory: a size ("512MiB"), or a share of the host's memory ("10%", of total). Errors also for 0 and over 100 %.
// total: read_memory_total(), which takes the kernel's "kB" for 1000 bytes as LXD does, so that percentages agree.
Result<Bytes> parse_memory_request(std::string_view key, std::string_view text, Bytes total);
// MemTotal in the text of /proc/meminfo, "kB" taken for 1000 bytes.
Result<Bytes> parse_memory_total(std::string_view meminfo);

enum class MemoryEnforce { kHard, kSoft };
Result<MemoryEnforce> parse_memory_enforce(std::string_view key, std::string_view text);

// The memory files that the limits.memory* keys stand for.
struct MemoryRequest {
  std::optional<Bytes> limit;
  MemoryEnforce enforce = MemoryEnforce::kHard;
  bool swap = true;  // limits.memory.swap: may its pages be swapped out
};
struct MemoryLimits {
  std::optional<Bytes> max;
  std::optional<Bytes> low;
  std::optional<Bytes> swap_max;
};
// hard: max = limit, low = 0.9 · limit, swap.max = limit; soft: low = limit only. swap false: swap.max = 0 in every case.
// Repaired as LXD 5.0.9 did: 5.0.2 has the two meanings of swap exchanged.
MemoryLimits memory_limits(const MemoryRequest& request);

// limits.processes: 1 and more. Repaired: LXD takes 0 and fails at start.
Result<std::uint64_t> parse_processes(std::string_view key, std::string_view text);

// The kernel's page size name in a key limits.hugepages.SIZE: 64KB, 1MB, 2MB, 1GB.
Result<Bytes> parse_hugepages(std::string_view key, std::string_view text);

// A disk's limits.read / limits.write / limits.max: "30MB" bytes per second or "20iops" operations per second.
struct DiskRate {
  std::optional<std::uint64_t> bytes;
  std::optional<std::uint64_t> operations;
  bool operator==(const DiskRate&) const = default;
};
Result<DiskRate> parse_disk_rate(std::string_view key, std::string_view text);

}  // namespace cella::cgroups
