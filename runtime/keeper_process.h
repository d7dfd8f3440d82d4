// Processes the keeper watches: who they are, and how they end.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"
#include "base/syscalls.h"
#include "runtime/client.h"
#include "runtime/keeper_loop.h"

namespace cella::runtime {

// What /proc/PID/stat tells ("42 (a) b) S 1 …").
struct ProcessStat {
  char state = 0;                // field 3: 'Z' for an ended process that is not reaped
  std::uint64_t start_time = 0;  // field 22, clock ticks since boot
  int exit_code = 0;             // field 52, waitpid(2) format; 0 while it lives or for a reader without rights
};
// Errors: kInvalid.
Result<ProcessStat> parse_stat(std::string_view text);

// Errors: kNotFound when there is no such process.
Result<std::uint64_t> read_start_time(const Fd& procfs, pid_t pid);

// The path below the v2 root: the line "0::/PATH" of /proc/PID/cgroup.
Result<std::string> read_cgroup(const Fd& procfs, pid_t pid);
Result<std::string> parse_cgroup(std::string_view text);

// The pidfs file handle of a process as bytes for open_pid_handle(); empty before Linux 6.14.
std::string read_pid_handle(const PidFd& process);
// any_process: a pidfd of any process, by which the kernel finds pidfs. Errors: kUnsupported before Linux 6.14,
// kNotFound when the process was reaped, kInvalid for bytes that are no handle.
Result<PidFd> open_pid_handle(const PidFd& any_process, const std::string& handle);

// PIDFD_GET_INFO. wanted: PIDFD_INFO_*; what came is in mask. nullopt before Linux 6.13 or when it was reaped.
std::optional<PidfdInfo> read_pidfd_info(const PidFd& process, std::uint64_t wanted);

// How a process ended that somebody else reaps, asked once its pidfd is readable: from the process itself while it is not
// reaped (/proc/PID/stat), from its pidfd after that (PIDFD_INFO_EXIT, Linux 6.15). nullopt: nobody can tell any more.
std::optional<int> read_foreign_exit(const Fd& procfs, const PidFd& process, const ProcessIdentity& identity);

// Whose child a watched process is.
enum class Parent : std::uint8_t { kSelf, kOther };

// Waits for one process to end, reaps it if it is a child, and tells once. The callback may destroy the watch.
class ProcessWatch final : private EventSink {
 public:
  using Ended = std::function<void(std::optional<int> wait_status)>;

  // procfs: of the caller's PID namespace; outlives the watch, as the loop does.
  ProcessWatch(EventLoop& loop, const Fd& procfs, PidFd process, const ProcessIdentity& identity, Parent parent)
      : loop_(loop), procfs_(procfs), process_(std::move(process)), identity_(identity), parent_(parent) {}

  Result<void> start(Ended ended);
  const PidFd& process() const { return process_; }
  // Sends a signal. Errors: kNotFound when it has ended.
  Result<void> signal(int number) const;

 private:
  void ready(std::uint32_t events) override;
  void reap();
  void finish(std::optional<int> wait_status);

  EventLoop& loop_;
  const Fd& procfs_;
  PidFd process_;
  Watch watch_;
  ProcessIdentity identity_;
  Parent parent_;
  Ended ended_;
};

}  // namespace cella::runtime
