// Ctrl-C while something long runs: the first one calls back, the second one ends the process.
#pragma once

#include <functional>
#include <thread>

#include "base/fd.h"

namespace cella::cli {

// While it lives, SIGINT does not end the process. on_interrupt runs once, on a thread of its own.
class InterruptWatch {
 public:
  explicit InterruptWatch(std::function<void()> on_interrupt);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

 private:
  void watch();

  std::function<void()> on_interrupt_;
  Fd signals_;
  Pipe stop_;
  std::thread thread_;
};

}  // namespace cella::cli
