// Kernel work that nobody waits for: deleting links and firewall rules after an instance has stopped.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace cella::manager {

// One thread that runs jobs in order. Destroyed: finishes what is queued. Thread-safe.
class NetworkJobs {
 public:
  NetworkJobs();
  ~NetworkJobs();
  NetworkJobs(const NetworkJobs&) = delete;
  NetworkJobs& operator=(const NetworkJobs&) = delete;

  void add(std::function<void()> job);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace cella::manager
