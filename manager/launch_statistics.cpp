#include "manager/launch_statistics.h"

#include <algorithm>

namespace cella::manager {
namespace {

void count(LaunchHistogram& histogram, std::int64_t nanoseconds) {
  const auto bucket = std::lower_bound(kLaunchBuckets.begin(), kLaunchBuckets.end(), nanoseconds);
  ++histogram.counts[static_cast<std::size_t>(bucket - kLaunchBuckets.begin())];
  ++histogram.count;
  histogram.total_ns += nanoseconds;
}

}  // namespace

void LaunchStatistics::add(const LaunchTrace& trace) {
  const std::lock_guard lock(mutex_);
  std::int64_t total = 0;
  for (const auto& step : trace.steps) {
    count(steps_[step.name], step.nanoseconds);
    // "launch: mounts" is a part of "launch".
    if (step.name.find(": ") == std::string::npos) total += step.nanoseconds;
  }
  count(steps_["total"], total);
}

void LaunchStatistics::add_failure() {
  const std::lock_guard lock(mutex_);
  ++failures_;
}

std::map<std::string, LaunchHistogram> LaunchStatistics::steps() const {
  const std::lock_guard lock(mutex_);
  return steps_;
}

std::uint64_t LaunchStatistics::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

}  // namespace cella::manager
