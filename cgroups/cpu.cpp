#include "cgroups/cpu.h"

#include "cgroups/lines.h"

namespace cella::cgroups {

using std::chrono::microseconds;

Result<void> set_cpu_weight(const Cgroup& cgroup, std::uint32_t weight) {
  if (weight < 1 || weight > kMaxWeight)
    return invalid_value("cpu.weight", std::to_string(weight), "must be from 1 to 10000");
  return cgroup.write("cpu.weight", std::to_string(weight));
}

std::string format_cpu_max(std::optional<CpuQuota> quota) {
  if (!quota) return "max " + std::to_string(kDefaultCpuPeriod.count());
  return std::to_string(quota->quota.count()) + " " + std::to_string(quota->period.count());
}

Result<void> set_cpu_max(const Cgroup& cgroup, std::optional<CpuQuota> quota) {
  return cgroup.write("cpu.max", format_cpu_max(quota));
}

Result<CpuStat> read_cpu_stat(const Cgroup& cgroup) {
  const std::string text = TRY(cgroup.read("cpu.stat"));
  const auto time = [&](std::string_view key) { return microseconds(flat_or_zero(text, key)); };
  return CpuStat{
      .usage = time("usage_usec"),
      .user = time("user_usec"),
      .system = time("system_usec"),
      .periods = flat_or_zero(text, "nr_periods"),
      .throttled_periods = flat_or_zero(text, "nr_throttled"),
      .throttled = time("throttled_usec"),
  };
}

}  // namespace cella::cgroups
