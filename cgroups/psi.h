// Pressure stall information of a cgroup. Source: Documentation/accounting/psi.rst.
#pragma once

#include <chrono>
#include <optional>

#include "cgroups/cgroup.h"

namespace cella::cgroups {

enum class PressureKind { kCpu, kMemory, kIo };

// Share of time (percent) in which tasks waited for the resource, over 10, 60 and 300 s, and the total.
struct PressureLine {
  double average_10 = 0;
  double average_60 = 0;
  double average_300 = 0;
  std::chrono::microseconds total{0};
};
struct Pressure {
  PressureLine some;                 // at least one task waited
  std::optional<PressureLine> full;  // all tasks waited; absent where the kernel gives no such line
};
Result<Pressure> parse_pressure(std::string_view text);
// Errors: kNotFound when the kernel was built or booted without PSI.
Result<Pressure> read_pressure(const Cgroup& cgroup, PressureKind kind);

}  // namespace cella::cgroups
