// Processes the keeper watches: who they are, and how they end.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/client.h"
#include "runtime/keeper_loop.h"

namespace cella::runtime {

// Field 22 of /proc/PID/stat. Errors: kNotFound when there is no such process.
Result<std::uint64_t> read_start_time(const Fd& procfs, pid_t pid);
// The same from the file's text ("42 (a) b) S 1 …"). Errors: kInvalid.
Result<std::uint64_t> parse_start_time(std::string_view stat);

// The path below the v2 root: the line "0::/PATH" of /proc/PID/cgroup.
Result<std::string> read_cgroup(const Fd& procfs, pid_t pid);
Result<std::string> parse_cgroup(std::string_view text);

// The pidfs file handle of a process as bytes for open_pid_handle(); empty before Linux 6.14.
std::string read_pid_handle(const PidFd& process);
// any_process: a pidfd of any process, by which the kernel finds pidfs. Errors: kUnsupported before Linux 6.14,
// kNotFound when the process was reaped, kInvalid for bytes that are no handle.
Result<PidFd> open_pid_handle(const PidFd& any_process, const std::string& handle);

// How a process ended that somebody else reaps.
enum class ExitKnowledge : std::uint8_t {
  kKnown,
  kNotYet,       // it has ended but is not reaped: the kernel tells later
  kUnavailable,  // kernel older than 6.15
};
struct ForeignExit {
  ExitKnowledge knowledge = ExitKnowledge::kUnavailable;
  int wait_status = 0;
};
// Source: PIDFD_GET_INFO with PIDFD_INFO_EXIT.
ForeignExit read_foreign_exit(const PidFd& process);

// Whose child a watched process is.
enum class Parent : std::uint8_t { kSelf, kOther };

// Waits for one process to end, reaps it if it is a child, and tells once. The callback may destroy the watch.
class ProcessWatch final : private EventSink {
 public:
  using Ended = std::function<void(std::optional<int> wait_status)>;

  ProcessWatch(EventLoop& loop, PidFd process, pid_t pid, Parent parent)
      : loop_(loop), process_(std::move(process)), pid_(pid), parent_(parent), deadline_(*this) {}

  Result<void> start(Ended ended);
  const PidFd& process() const { return process_; }
  // Sends a signal. Errors: kNotFound when it has ended.
  Result<void> signal(int number) const;

 private:
  // Fires when nobody reaped an ended process of somebody else within a second: its status is then given up.
  class Deadline final : public EventSink {
   public:
    explicit Deadline(ProcessWatch& watch) : watch_(watch) {}
    Result<void> start();
    void stop();

   private:
    void ready(std::uint32_t) override { watch_.finish(std::nullopt); }
    ProcessWatch& watch_;
    Fd timer_;
    Watch timer_watch_;
  };

  void ready(std::uint32_t events) override;
  void reap();
  void ask_kernel(std::uint32_t events);
  void finish(std::optional<int> wait_status);

  EventLoop& loop_;
  PidFd process_;
  Watch watch_;
  pid_t pid_;
  Parent parent_;
  Deadline deadline_;
  Ended ended_;
};

}  // namespace cella::runtime
