// The threads that carry out operations. Used by operations.cpp only.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace cella::manager {

// Runs jobs on up to `limit` threads, made on demand and ended when idle. Thread-safe.
class OperationPool : public std::enable_shared_from_this<OperationPool> {
 public:
  explicit OperationPool(unsigned limit) : limit_(limit) {}

  void run(std::function<void()> job);
  // While a running job waits for something outside, one more thread may run.
  void lend();
  void reclaim();
  // Waits until every queued job has run and every thread has ended. No job may be added meanwhile but by jobs.
  void drain();

 private:
  void make_thread_if_needed();
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::deque<std::function<void()>> queue_;
  unsigned limit_;
  unsigned threads_ = 0;
  unsigned idle_ = 0;
  bool draining_ = false;
};

}  // namespace cella::manager
