#include "runtime/run_signals.h"

#include <charconv>
#include <string>

#include "base/files.h"
#include "base/syscalls.h"

namespace cella::runtime {
namespace {

constexpr int kNotPassedOn[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
                                SIGTRAP, SIGSYS,  SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};

// "SigCgt:\t0000000000004002": bit N-1 stands for signal N.
bool has_bit(std::string_view status, std::string_view field, int signal) {
  const std::size_t at = status.find(field);
  if (at == std::string_view::npos) return false;
  const std::string_view digits = status.substr(at + field.size(), 16);
  std::uint64_t mask = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), mask, 16);
  return (mask >> (signal - 1) & 1u) != 0;
}

}  // namespace

BlockedSignals::BlockedSignals() {
  ::sigfillset(&set_);
  for (const int signal : kNotPassedOn) ::sigdelset(&set_, signal);
  ::sigprocmask(SIG_BLOCK, &set_, &old_);
  // Whoever started us may ignore it, and then the kernel reaps the container before we can ask for its status.
  ::signal(SIGCHLD, SIG_DFL);
}

BlockedSignals::~BlockedSignals() { ::sigprocmask(SIG_SETMASK, &old_, nullptr); }

SignalDisposition find_disposition(std::string_view status, int signal) {
  return {.caught = has_bit(status, "\nSigCgt:\t", signal),
          .ignored = has_bit(status, "\nSigIgn:\t", signal),
          .blocked = has_bit(status, "\nSigBlk:\t", signal)};
}

bool ends_by_default(int signal) {
  return signal != SIGCHLD && signal != SIGURG && signal != SIGWINCH && signal != SIGCONT;
}

bool waits_for_signals(std::string_view system_call) {
  // rt_sigtimedwait of x86-64 and i386, and of i386 with 64-bit time.
  for (const std::string_view number : {"128 ", "177 ", "421 "})
    if (system_call.starts_with(number)) return true;
  return false;
}

bool pass_on_signal(const Launched& container, const Fd& procfs, int signal) {
  const std::string process = std::to_string(container.pid);
  // Looked at before the signal is sent, because taking it may change what is seen.
  const auto status = read_file_at(procfs, process + "/status");
  const auto system_call = read_file_at(procfs, process + "/syscall");
  const auto disposition = status.ok() ? find_disposition(*status, signal) : SignalDisposition{.ignored = true};
  const bool waits = system_call.ok() && waits_for_signals(*system_call);
  sys_pidfd_send_signal(container.pidfd.get(), signal, nullptr, 0);
  if (!ends_by_default(signal) || waits) return false;
  if (disposition.caught || disposition.ignored || disposition.blocked) return false;
  return sys_pidfd_send_signal(container.pidfd.get(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace cella::runtime
