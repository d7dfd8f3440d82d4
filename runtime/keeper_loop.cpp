#include "runtime/keeper_loop.h"

#include <cerrno>
#include <sys/epoll.h>

namespace cella::runtime {

Result<EventLoop> EventLoop::create() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return errno_error(errno, "create epoll");
  return EventLoop(std::move(epoll));
}

Result<void> EventLoop::add(const Fd& fd, std::uint32_t events, EventSink& sink) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &sink;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0)
    return errno_error(errno, "watch descriptor " + std::to_string(fd.get()));
  return kOk;
}

void EventLoop::change(const Fd& fd, std::uint32_t events, EventSink& sink) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &sink;
  // Only fails for a descriptor that is not watched, which Watch rules out.
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd.get(), &event);
}

void EventLoop::remove(const Fd& fd) { (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd.get(), nullptr); }

Result<void> EventLoop::run_once(std::optional<std::chrono::steady_clock::time_point> until) {
  using std::chrono::milliseconds;
  int timeout = -1;
  if (until) {
    const auto left = std::chrono::ceil<milliseconds>(*until - std::chrono::steady_clock::now());
    timeout = left.count() < 0 ? 0 : static_cast<int>(left.count());
  }
  epoll_event event{};
  const int count = ::epoll_wait(epoll_.get(), &event, 1, timeout);
  if (count < 0 && errno != EINTR) return errno_error(errno, "wait for events");
  // SAFETY: data.ptr was set by add() or change(), and a sink leaves the loop before it dies.
  if (count == 1) static_cast<EventSink*>(event.data.ptr)->ready(event.events);
  return kOk;
}

Result<void> Watch::start(EventLoop& loop, const Fd& fd, std::uint32_t events, EventSink& sink) {
  stop();
  TRY(loop.add(fd, events, sink));
  loop_ = &loop;
  fd_ = &fd;
  sink_ = &sink;
  events_ = events;
  return kOk;
}

void Watch::set(std::uint32_t events) {
  if (loop_ == nullptr || events == events_) return;
  loop_->change(*fd_, events, *sink_);
  events_ = events;
}

void Watch::stop() {
  if (loop_ != nullptr) loop_->remove(*fd_);
  loop_ = nullptr;
}

}  // namespace cella::runtime
