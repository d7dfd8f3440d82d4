#include "cli/interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>
#include <utility>

namespace cella::cli {
namespace {

constexpr int kInterruptedStatus = 130;

sigset_t interrupt_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

InterruptWatch::InterruptWatch(std::function<void()> on_interrupt) : on_interrupt_(std::move(on_interrupt)) {
  auto stop = make_pipe();
  const sigset_t set = interrupt_set();
  signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC));
  // Without descriptors Ctrl-C keeps its usual meaning, which is no worse than before.
  if (!stop.ok() || !signals_) return;
  stop_ = std::move(stop).value();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { watch(); });
}

InterruptWatch::~InterruptWatch() {
  if (!thread_.joinable()) return;
  stop_.write_end.reset();
  thread_.join();
  const sigset_t set = interrupt_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void InterruptWatch::watch() {
  bool asked = false;
  pollfd waits[] = {{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                    {.fd = stop_.read_end.get(), .events = POLLIN, .revents = 0}};
  while (poll(waits, 2, -1) >= 0 && waits[1].revents == 0) {
    signalfd_siginfo info{};
    if (waits[0].revents == 0 || read(signals_.get(), &info, sizeof info) != sizeof info) continue;
    if (std::exchange(asked, true)) _exit(kInterruptedStatus);
    on_interrupt_();
  }
}

}  // namespace cella::cli
