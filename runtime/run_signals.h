// Signals of `run`: taken synchronously, passed on to the container's first process.
#pragma once

#include <csignal>

#include "base/fd.h"
#include "runtime/launch.h"

namespace cella::runtime {

// Blocks every signal that can be passed on, and SIGCHLD; destroyed: the old mask is back.
// Not blocked: what the kernel raises for faults, and job control, which stops `run` itself.
class BlockedSignals {
 public:
  BlockedSignals();
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  const sigset_t& set() const { return set_; }

 private:
  sigset_t set_;
  sigset_t old_;
};

// What /proc/PID/status says about one signal.
struct SignalDisposition {
  bool caught = false;
  bool ignored = false;
  bool blocked = false;
};
// status: the text of /proc/PID/status.
SignalDisposition find_disposition(std::string_view status, int signal);

// True if the process is inside sigwait(3) or a sibling, judged by the text of /proc/PID/syscall. The signals it waits
// for are blocked in truth, but /proc/PID/status shows them as not blocked meanwhile (do_sigtimedwait in
// kernel/signal.c).
bool waits_for_signals(std::string_view system_call);

// True if an unhandled `signal` ends a process (signal(7)).
bool ends_by_default(int signal);

// Sends the signal to the first process. The kernel drops it there if it has no handler, because that process is the
// init of its PID namespace; then the container is killed, as a process outside one would be. Returns true in that
// case. procfs: shows pid.
bool pass_on_signal(const Launched& container, const Fd& procfs, int signal);

}  // namespace cella::runtime
