// What happens to snapshots by the clock.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "manager/operation.h"

namespace cella::manager {

// Calls `tick` at the beginning of every minute, on a thread of its own, until destroyed (which waits for a tick under
// way).
class SnapshotClock {
 public:
  explicit SnapshotClock(std::function<void(Timestamp now)> tick);
  ~SnapshotClock();
  SnapshotClock(const SnapshotClock&) = delete;
  SnapshotClock& operator=(const SnapshotClock&) = delete;

 private:
  void run();

  std::function<void(Timestamp)> tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace cella::manager
