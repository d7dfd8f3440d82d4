#include "runtime/keeper_process.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "base/files.h"
#include "base/syscalls.h"
#include "base/units.h"

namespace cella::runtime {
namespace {

constexpr std::size_t kStartTimeField = 22;
constexpr std::size_t kMaxHandle = 128;  // MAX_HANDLE_SZ

// The kernel's struct file_handle with room for the largest handle.
struct HandleBuffer {
  unsigned int handle_bytes = kMaxHandle;
  int handle_type = 0;
  unsigned char bytes[kMaxHandle] = {};
};
static_assert(sizeof(HandleBuffer) == 2 * sizeof(int) + kMaxHandle);

}  // namespace

Result<std::uint64_t> parse_start_time(std::string_view stat) {
  // The command may contain spaces and parentheses; the last ')' ends it. Field 3 follows.
  const std::size_t command_end = stat.rfind(')');
  if (command_end == std::string_view::npos) return Error(ErrorKind::kInvalid, "process stat: no command");
  std::string_view rest = stat.substr(command_end + 1);
  for (std::size_t field = 2;; ++field) {
    const std::size_t begin = rest.find_first_not_of(' ');
    if (begin == std::string_view::npos) return Error(ErrorKind::kInvalid, "process stat: too few fields");
    rest.remove_prefix(begin);
    const std::string_view value = rest.substr(0, rest.find_first_of(" \n"));
    if (field + 1 == kStartTimeField) return parse_unsigned("start time", value);
    rest.remove_prefix(value.size());
  }
}

Result<std::uint64_t> read_start_time(const Fd& procfs, pid_t pid) {
  return parse_start_time(TRY(read_file_at(procfs, std::to_string(pid) + "/stat", 4096)));
}

Result<std::string> parse_cgroup(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with("0::")) return std::string(line.substr(3));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return Error(ErrorKind::kInvalid, "process cgroup: no v2 line");
}

Result<std::string> read_cgroup(const Fd& procfs, pid_t pid) {
  return parse_cgroup(TRY(read_file_at(procfs, std::to_string(pid) + "/cgroup", 1u << 20)));
}

std::string read_pid_handle(const PidFd& process) {
  HandleBuffer handle;
  int mount_id = 0;
  const long done = ::syscall(SYS_name_to_handle_at, process.get(), "", &handle, &mount_id, AT_EMPTY_PATH);
  if (done != 0 || handle.handle_bytes > kMaxHandle) return {};
  std::string bytes(reinterpret_cast<const char*>(&handle.handle_type), sizeof handle.handle_type);
  bytes.append(reinterpret_cast<const char*>(handle.bytes), handle.handle_bytes);
  return bytes;
}

Result<PidFd> open_pid_handle(const PidFd& any_process, const std::string& handle) {
  HandleBuffer buffer;
  if (handle.size() <= sizeof buffer.handle_type || handle.size() - sizeof buffer.handle_type > kMaxHandle)
    return Error(ErrorKind::kInvalid, "process handle: wrong length");
  std::memcpy(&buffer.handle_type, handle.data(), sizeof buffer.handle_type);
  buffer.handle_bytes = static_cast<unsigned>(handle.size() - sizeof buffer.handle_type);
  std::memcpy(buffer.bytes, handle.data() + sizeof buffer.handle_type, buffer.handle_bytes);
  const long fd = ::syscall(SYS_open_by_handle_at, any_process.get(), &buffer, O_CLOEXEC);
  if (fd >= 0) return PidFd(static_cast<int>(fd));
  if (errno == ESTALE) return Error(ErrorKind::kNotFound, ESTALE, "open process handle");
  if (errno == EOPNOTSUPP || errno == EBADF) return Error(ErrorKind::kUnsupported, errno, "open process handle");
  return errno_error(errno, "open process handle");
}

ForeignExit read_foreign_exit(const PidFd& process) {
  PidfdInfo info{};
  info.mask = PIDFD_INFO_EXIT;
  if (::ioctl(process.get(), kPidfdGetInfo, &info) != 0)
    // ESRCH: reaped before anybody asked the kernel to keep the status, or a kernel before 6.15.
    return {.knowledge = ExitKnowledge::kUnavailable};
  if ((info.mask & PIDFD_INFO_EXIT) == 0) return {.knowledge = ExitKnowledge::kNotYet};
  return {.knowledge = ExitKnowledge::kKnown, .wait_status = info.exit_code};
}

Result<void> ProcessWatch::Deadline::start() {
  timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer_) return errno_error(errno, "create timer");
  itimerspec second{};
  second.it_value.tv_sec = 1;
  if (::timerfd_settime(timer_.get(), 0, &second, nullptr) != 0) return errno_error(errno, "set timer");
  return timer_watch_.start(watch_.loop_, timer_, EPOLLIN, *this);
}

void ProcessWatch::Deadline::stop() { timer_watch_.stop(); }

Result<void> ProcessWatch::start(Ended ended) {
  ended_ = std::move(ended);
  return watch_.start(loop_, process_, EPOLLIN, *this);
}

Result<void> ProcessWatch::signal(int number) const {
  if (sys_pidfd_send_signal(process_.get(), number, nullptr, 0) == 0) return kOk;
  if (errno == ESRCH) return Error(ErrorKind::kNotFound, ESRCH, "signal process " + std::to_string(pid_));
  return errno_error(errno, "send signal " + std::to_string(number) + " to process " + std::to_string(pid_));
}

void ProcessWatch::ready(std::uint32_t events) {
  if (parent_ == Parent::kSelf) return reap();
  ask_kernel(events);
}

void ProcessWatch::reap() {
  int status = 0;
  const pid_t reaped = ::waitpid(pid_, &status, WNOHANG | __WALL);
  if (reaped == pid_) return finish(status);
  // 0: not yet. ECHILD cannot happen to the only reaper, but waiting on would spin.
  if (reaped < 0 && errno == ECHILD) finish(std::nullopt);
}

void ProcessWatch::ask_kernel(std::uint32_t events) {
  const ForeignExit ended = read_foreign_exit(process_);
  if (ended.knowledge == ExitKnowledge::kKnown) return finish(ended.wait_status);
  const bool reaped = (events & EPOLLHUP) != 0;
  if (ended.knowledge == ExitKnowledge::kUnavailable || reaped) return finish(std::nullopt);
  // A zombie stays readable; only the hang-up that comes with its reaping is waited for now.
  watch_.set(0);
  if (!deadline_.start().ok()) finish(std::nullopt);
}

void ProcessWatch::finish(std::optional<int> wait_status) {
  watch_.stop();
  deadline_.stop();
  // Moved out first: the callback may destroy this watch.
  const Ended ended = std::move(ended_);
  ended(wait_status);
}

}  // namespace cella::runtime
