#include "runtime/keeper_drain.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/epoll.h>

namespace cella::runtime {

Result<std::unique_ptr<Drain>> Drain::create(EventLoop& loop, const Fd& terminal) {
  // The daemon that shared this open file description is gone, so the flag disturbs nobody.
  const int flags = ::fcntl(terminal.get(), F_GETFL);
  if (flags < 0 || ::fcntl(terminal.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return errno_error(errno, "make terminal non-blocking");
  std::unique_ptr<Drain> drain(new Drain(terminal));
  TRY(drain->watch_.start(loop, terminal, EPOLLIN, *drain));
  return drain;
}

void Drain::ready(std::uint32_t) {
  char buffer[4096];
  const ssize_t count = ::read(terminal_.get(), buffer, sizeof buffer);
  // A hang-up would be reported without end.
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) watch_.stop();
}

}  // namespace cella::runtime
