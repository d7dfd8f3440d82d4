// The cpu controller: weight, bandwidth, statistics. Source: Documentation/admin-guide/cgroup-v2.rst, "CPU".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "cgroups/cgroup.h"

namespace cella::cgroups {

inline constexpr std::uint32_t kDefaultCpuWeight = 100;
inline constexpr std::uint32_t kMaxWeight = 10000;
inline constexpr std::chrono::microseconds kDefaultCpuPeriod{100000};

// At most `quota` of run time, over all CPUs together, in each `period`.
// The kernel takes a quota of 1 ms and more and a period of 1 ms to 1 s.
struct CpuQuota {
  std::chrono::microseconds quota{0};
  std::chrono::microseconds period = kDefaultCpuPeriod;
  bool operator==(const CpuQuota&) const = default;
};

// Sets cpu.weight, 1 to 10000. Errors: kInvalid outside; kNotFound without the controller.
Result<void> set_cpu_weight(const Cgroup& cgroup, std::uint32_t weight);
// Sets cpu.max; nullopt: "max" with the default period.
Result<void> set_cpu_max(const Cgroup& cgroup, std::optional<CpuQuota> quota);
std::string format_cpu_max(std::optional<CpuQuota> quota);

struct CpuStat {
  std::chrono::microseconds usage{0};  // always there, even without the controller
  std::chrono::microseconds user{0};
  std::chrono::microseconds system{0};
  std::uint64_t periods = 0;            // these three only with the controller
  std::uint64_t throttled_periods = 0;
  std::chrono::microseconds throttled{0};
};
Result<CpuStat> read_cpu_stat(const Cgroup& cgroup);

}  // namespace cella::cgroups
