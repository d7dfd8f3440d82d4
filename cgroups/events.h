// cgroup.events: whether a cgroup has processes and whether it is frozen, and waiting for that to change.
#pragma once

#include <chrono>
#include <functional>

#include "cgroups/cgroup.h"

namespace cella::cgroups {

struct Events {
  bool populated = false;  // some process lives in the cgroup or below it
  bool frozen = false;     // every process in it and below is stopped
};
Result<Events> parse_events(std::string_view text);

// cgroup.events held open. An event loop may watch fd() for EPOLLPRI and call read() then.
class EventsFile {
 public:
  static Result<EventsFile> open(const Cgroup& cgroup);

  int fd() const { return fd_.get(); }
  // Errors: kNotFound when the cgroup is gone.
  Result<Events> read() const;
  // Waits until `reached` holds, woken by the kernel's notification. Errors: kTimeout; kNotFound when the cgroup is gone.
  Result<Events> wait(const std::function<bool(const Events&)>& reached, std::chrono::milliseconds patience) const;

 private:
  EventsFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
};

Result<Events> read_events(const Cgroup& cgroup);

}  // namespace cella::cgroups
