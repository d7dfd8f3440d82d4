// Times the steps of one launch.
#pragma once

#include <chrono>
#include <string>

#include "manager/instance.h"

namespace cella::manager {

class StepClock {
 public:
  StepClock() : last_(std::chrono::steady_clock::now()) { trace_.started_at = std::chrono::system_clock::now(); }

  // The step that began with the previous call (or construction) has ended.
  void done(std::string name) {
    const auto now = std::chrono::steady_clock::now();
    add(std::move(name), std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count());
    last_ = now;
  }
  // A step timed by someone else (the keeper).
  void add(std::string name, std::int64_t nanoseconds) { trace_.steps.push_back({std::move(name), nanoseconds}); }

  const LaunchTrace& trace() const { return trace_; }

 private:
  LaunchTrace trace_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace cella::manager
