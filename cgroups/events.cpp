#include "cgroups/events.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {
using Clock = std::chrono::steady_clock;
}  // namespace

Result<Events> parse_events(std::string_view text) {
  const auto populated = find_flat(text, "populated");
  if (!populated) return Error(ErrorKind::kIo, "no \"populated\" line in cgroup.events");
  return Events{.populated = *populated != 0, .frozen = flat_or_zero(text, "frozen") != 0};
}

Result<EventsFile> EventsFile::open(const Cgroup& cgroup) {
  return EventsFile(TRY_CONTEXT(cgroup.path(), open_at(cgroup.dir(), "cgroup.events", O_RDONLY)),
                    cgroup.path() + "/cgroup.events");
}

Result<Events> EventsFile::read() const {
  char text[256];
  const ssize_t size = ::pread(fd_.get(), text, sizeof text, 0);
  if (size < 0) {
    const int error = errno;
    // ENODEV: the cgroup was removed while the file was open.
    return Error(error == ENODEV ? ErrorKind::kNotFound : kind_of_errno(error), error, "read " + path_);
  }
  auto events = parse_events(std::string_view(text, static_cast<std::size_t>(size)));
  if (!events) return std::move(events).error().with_context(path_);
  return events;
}

Result<Events> EventsFile::wait(const std::function<bool(const Events&)>& reached,
                                std::chrono::milliseconds patience) const {
  const auto deadline = Clock::now() + patience;
  for (;;) {
    // Reading arms the notification, so a change between this read and the poll is not lost.
    const Events events = TRY(read());
    if (reached(events)) return events;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Error(ErrorKind::kTimeout, "wait for " + path_);
    pollfd watched{.fd = fd_.get(), .events = POLLPRI, .revents = 0};
    if (::poll(&watched, 1, static_cast<int>(left)) < 0 && errno != EINTR) return errno_error(errno, "poll " + path_);
  }
}

Result<Events> read_events(const Cgroup& cgroup) { return TRY(EventsFile::open(cgroup)).read(); }

}  // namespace cella::cgroups
