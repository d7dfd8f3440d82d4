// The keeper's one wait: epoll over everything it watches, and deadlines.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace cella::runtime {

// Something that wants to know when its descriptor is ready. events: EPOLL* bits.
class EventSink {
 public:
  virtual void ready(std::uint32_t events) = 0;

 protected:
  ~EventSink() = default;
};

// Level-triggered epoll. One event is taken at a time, so a sink may destroy itself or any other sink in ready().
// A sink is removed (or its descriptor's last duplicate closed) before it is destroyed. Not thread-safe.
class EventLoop {
 public:
  static Result<EventLoop> create();

  // Errors: kNoSpace when the kernel has no room for another watch.
  Result<void> add(const Fd& fd, std::uint32_t events, EventSink& sink);
  void change(const Fd& fd, std::uint32_t events, EventSink& sink);
  void remove(const Fd& fd);

  // Waits for one event and delivers it. until: give up then; nullopt: wait without end.
  Result<void> run_once(std::optional<std::chrono::steady_clock::time_point> until);

 private:
  explicit EventLoop(Fd epoll) : epoll_(std::move(epoll)) {}
  Fd epoll_;
};

// A watch of one descriptor that ends with its scope. Owns neither the descriptor nor the sink.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { stop(); }

  Result<void> start(EventLoop& loop, const Fd& fd, std::uint32_t events, EventSink& sink);
  // Starts anew only when the set of events differs from what is watched now.
  void set(std::uint32_t events);
  void stop();
  bool active() const { return loop_ != nullptr; }

 private:
  EventLoop* loop_ = nullptr;
  const Fd* fd_ = nullptr;
  EventSink* sink_ = nullptr;
  std::uint32_t events_ = 0;
};

}  // namespace cella::runtime
