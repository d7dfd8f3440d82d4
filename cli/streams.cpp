#include "cli/streams.h"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"

namespace cella::cli {
namespace {

constexpr std::size_t kPiece = 32 * 1024;

class Loop {
 public:
  Loop(int input, Fd signals, Fd stop, InputPump::Handlers handlers)
      : input_(input), signals_(std::move(signals)), stop_(std::move(stop)), handlers_(std::move(handlers)) {}

  void run() {
    while (true) {
      pollfd waits[] = {{.fd = input_, .events = POLLIN, .revents = 0},
                        {.fd = signals_.get(), .events = POLLIN, .revents = 0},
                        {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
      if (poll(waits, 3, -1) < 0 && errno != EINTR) return;
      if (waits[2].revents != 0) return;
      if (waits[1].revents != 0) take_signal();
      if (waits[0].revents != 0 && !take_input()) return;
    }
  }

 private:
  void take_signal() {
    signalfd_siginfo info{};
    if (read(signals_.get(), &info, sizeof info) == sizeof info) handlers_.signal(static_cast<int>(info.ssi_signo));
  }

  bool take_input() {
    char buffer[kPiece];
    const ssize_t count = read(input_, buffer, sizeof buffer);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (count > 0) return handlers_.data({buffer, static_cast<std::size_t>(count)});
    input_ = -1;  // poll ignores it from now on; signals still matter
    handlers_.end();
    return true;
  }

  int input_;
  Fd signals_;
  Fd stop_;
  InputPump::Handlers handlers_;
};

}  // namespace

BlockedSignals::BlockedSignals(std::initializer_list<int> signals) {
  sigemptyset(&set_);
  for (const int signal : signals) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, &before_);
}

BlockedSignals::~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

Result<Fd> BlockedSignals::descriptor() const {
  Fd fd(signalfd(-1, &set_, SFD_CLOEXEC));
  if (!fd) return errno_error(errno, "signalfd");
  return fd;
}

Result<InputPump> InputPump::start(int input, Fd signals, Handlers handlers) {
  Pipe stop = TRY(make_pipe());
  std::thread thread([loop = Loop(input, std::move(signals), std::move(stop.read_end), std::move(handlers))]() mutable {
    loop.run();
  });
  return InputPump(std::move(stop.write_end), std::move(thread));
}

InputPump::~InputPump() {
  stop_.reset();
  if (thread_.joinable()) thread_.join();
}

void copy_frames(api::WebSocket& socket, int fd) {
  Fd out(fd);
  while (true) {
    const auto frame = socket.receive();
    const bool over = !frame.ok() || frame->kind == api::FrameKind::kClosed ||
                      (frame->kind == api::FrameKind::kText && frame->data.empty());
    // A reader of our output that has gone away ends the copy, as it would end a local command.
    if (over || !write_all(out, frame->data).ok()) break;
  }
  out.release();  // standard output and error stay open: they are the process's, not ours
}

}  // namespace cella::cli
