#include "cgroups/freeze.h"

#include <cerrno>
#include <csignal>

#include "base/syscalls.h"
#include "cgroups/events.h"

namespace cella::cgroups {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kRound{20};

milliseconds left_until(Clock::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - Clock::now()));
}

Result<void> wait_empty(const Cgroup& cgroup, milliseconds patience) {
  const auto events = TRY(EventsFile::open(cgroup));
  TRY(events.wait([](const Events& now) { return !now.populated; }, patience));
  return kOk;
}

// SIGKILL for every process of the cgroup, and of those below it. A process that is gone already is fine; the pidfd is
// checked against the list read again, so that a reused pid is never signalled.
Result<void> signal_all(const Cgroup& cgroup) {
  for (const pid_t pid : TRY(cgroup.processes())) {
    if (pid <= 0) continue;
    const PidFd pidfd(sys_pidfd_open(pid, 0));
    if (!pidfd) continue;
    bool still_here = false;
    for (const pid_t now : TRY(cgroup.processes())) still_here = still_here || now == pid;
    if (still_here && sys_pidfd_send_signal(pidfd.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
      return errno_error(errno, "kill process " + std::to_string(pid) + " of " + cgroup.path());
  }
  for (const std::string& name : TRY(cgroup.children())) {
    const auto child = cgroup.open_child(name);
    if (child) TRY(signal_all(*child));
  }
  return kOk;
}

// Frozen, a fork bomb cannot outrun the list; fatal signals reach frozen processes. A freeze that does not complete is
// no reason not to signal, so its outcome is not asked for.
Result<void> kill_by_signals(const Cgroup& cgroup, Clock::time_point deadline) {
  const bool freezable = cgroup.has("cgroup.freeze");
  for (;;) {
    if (freezable) TRY(cgroup.write("cgroup.freeze", "1"));
    auto signalled = signal_all(cgroup);
    if (freezable) TRY(cgroup.write("cgroup.freeze", "0"));
    TRY(std::move(signalled));
    auto emptied = wait_empty(cgroup, std::min(kRound, left_until(deadline)));
    if (emptied || emptied.error().kind() != ErrorKind::kTimeout || Clock::now() >= deadline) return emptied;
  }
}

}  // namespace

Result<void> freeze(const Cgroup& cgroup, milliseconds patience) {
  const auto events = TRY(EventsFile::open(cgroup));
  TRY(cgroup.write("cgroup.freeze", "1"));
  auto frozen = events.wait([](const Events& now) { return now.frozen; }, patience);
  if (frozen) return kOk;
  (void)cgroup.write("cgroup.freeze", "0").ok();
  return std::move(frozen).error().with_context("freeze");
}

Result<void> unfreeze(const Cgroup& cgroup, milliseconds patience) {
  const auto events = TRY(EventsFile::open(cgroup));
  TRY(cgroup.write("cgroup.freeze", "0"));
  TRY_CONTEXT("unfreeze", events.wait([](const Events& now) { return !now.frozen; }, patience));
  return kOk;
}

Result<void> kill_all(const Cgroup& cgroup, milliseconds patience, KillMethod method) {
  const auto deadline = Clock::now() + patience;
  if (method != KillMethod::kSignals) {
    auto killed = cgroup.write("cgroup.kill", "1");
    if (killed) return wait_empty(cgroup, left_until(deadline));
    if (killed.error().kind() != ErrorKind::kNotFound || method == KillMethod::kCgroupKill) return killed;
  }
  return kill_by_signals(cgroup, deadline);
}

}  // namespace cella::cgroups
