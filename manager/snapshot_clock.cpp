#include "manager/snapshot_clock.h"

#include <chrono>

namespace cella::manager {

SnapshotClock::SnapshotClock(std::function<void(Timestamp now)> tick)
    : tick_(std::move(tick)), thread_([this] { run(); }) {}

SnapshotClock::~SnapshotClock() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SnapshotClock::run() {
  using namespace std::chrono;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto next = floor<minutes>(system_clock::now()) + minutes(1);
    if (changed_.wait_until(lock, next, [this] { return stop_; })) return;
    lock.unlock();
    tick_(next);
    lock.lock();
  }
}

}  // namespace cella::manager
