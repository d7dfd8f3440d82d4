#include "manager/operation_pool.h"

#include <chrono>
#include <thread>

namespace cella::manager {
namespace {

constexpr std::chrono::seconds kIdleTime{10};

}  // namespace

void OperationPool::run(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  queue_.push_back(std::move(job));
  make_thread_if_needed();
}

void OperationPool::lend() {
  std::lock_guard lock(mutex_);
  ++limit_;
  make_thread_if_needed();
}

void OperationPool::reclaim() {
  std::lock_guard lock(mutex_);
  --limit_;
}

void OperationPool::make_thread_if_needed() {
  if (queue_.size() > idle_ && threads_ < limit_) {
    ++threads_;
    std::thread([pool = shared_from_this()] { pool->work(); }).detach();
    return;
  }
  if (!queue_.empty()) wake_.notify_one();
}

void OperationPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (queue_.empty()) {
      if (draining_) break;
      ++idle_;
      const bool woken = wake_.wait_for(lock, kIdleTime, [&] { return !queue_.empty() || draining_; });
      --idle_;
      if (!woken) break;
      continue;
    }
    auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  --threads_;
  ended_.notify_all();
}

void OperationPool::drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  wake_.notify_all();
  ended_.wait(lock, [&] { return threads_ == 0 && queue_.empty(); });
}

}  // namespace cella::manager
