// Notices the end of processes that are not this one's children.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"

namespace cella::manager {

// One thread that polls pidfds. Thread-safe.
class ProcessWatch {
 public:
  // ended: called on the watch's thread, once for each process, with no lock held.
  explicit ProcessWatch(std::function<void(const std::string& name)> ended);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  // Watches this process from now on under this name, instead of the one before.
  void watch(const std::string& name, Fd pidfd);

 private:
  void run();
  void wake();
  // Blocks until something happened; the names whose process ended, taken off the list.
  std::vector<std::string> wait_ended();

  std::function<void(const std::string&)> ended_;
  Fd wake_;  // eventfd
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Fd>> processes_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace cella::manager
