#include "runtime/adopt.h"

#include <cerrno>
#include <unistd.h>

#include "base/syscalls.h"
#include "runtime/keeper_process.h"

namespace cella::runtime {
namespace {

Result<std::optional<PidFd>> open_by_pid(pid_t pid) {
  PidFd process(sys_pidfd_open(pid, 0));
  if (process) return std::optional<PidFd>(std::move(process));
  if (errno == ESRCH || errno == EINVAL) return std::optional<PidFd>();
  return errno_error(errno, "open process " + std::to_string(pid));
}

Result<std::optional<PidFd>> open_recorded(const RecordedInit& recorded) {
  if (recorded.handle.empty()) return open_by_pid(recorded.identity.pid);
  const PidFd self(sys_pidfd_open(::getpid(), 0));
  if (!self) return errno_error(errno, "open own process");
  Result<PidFd> process = open_pid_handle(self, recorded.handle);
  if (process) return std::optional<PidFd>(std::move(process).value());
  if (process.error().kind() == ErrorKind::kNotFound) return std::optional<PidFd>();
  return open_by_pid(recorded.identity.pid);
}

// A handle of an earlier boot may name some other process of this one.
bool names_another_pid(const PidFd& process, pid_t pid) {
  const std::optional<PidfdInfo> info = read_pidfd_info(process, PIDFD_INFO_PID);
  return info && static_cast<pid_t>(info->pid) != pid;
}

}  // namespace

bool is_within_cgroup(std::string_view cgroup, std::string_view parent) {
  if (!cgroup.starts_with(parent)) return false;
  return cgroup.size() == parent.size() || parent.ends_with('/') || cgroup[parent.size()] == '/';
}

Result<std::optional<PidFd>> find_recorded_init(const Fd& procfs, const RecordedInit& recorded) {
  std::optional<PidFd> process = TRY(open_recorded(recorded));
  if (!process) return process;
  const Result<std::uint64_t> start_time = read_start_time(procfs, recorded.identity.pid);
  const Result<std::string> cgroup = read_cgroup(procfs, recorded.identity.pid);
  // Asked after both were read: while the descriptor's process lives, the pid cannot have meant another one.
  const bool lives = sys_pidfd_send_signal(process->get(), 0, nullptr, 0) == 0;
  const bool same = start_time && *start_time == recorded.identity.start_time && cgroup &&
                    is_within_cgroup(*cgroup, recorded.cgroup);
  if (!lives || !same || names_another_pid(*process, recorded.identity.pid)) process.reset();
  return process;
}

}  // namespace cella::runtime
