// How long the steps of launches have taken since the daemon started, as histograms.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "manager/instance.h"

namespace cella::manager {

// Upper bounds of the buckets in nanoseconds; one more bucket takes the rest.
inline constexpr std::array<std::int64_t, 10> kLaunchBuckets{50'000,     100'000,    250'000,     500'000,    1'000'000,
                                                             2'500'000,  5'000'000,  10'000'000,  50'000'000, 250'000'000};

struct LaunchHistogram {
  std::array<std::uint64_t, kLaunchBuckets.size() + 1> counts{};  // each bucket's own
  std::uint64_t count = 0;
  std::int64_t total_ns = 0;
};

// Thread-safe.
class LaunchStatistics {
 public:
  void add(const LaunchTrace& trace);
  void add_failure();
  std::map<std::string, LaunchHistogram> steps() const;  // by name; "total" is the sum of the others
  std::uint64_t failures() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, LaunchHistogram> steps_;
  std::uint64_t failures_ = 0;
};

}  // namespace cella::manager
