#include "runtime/keeper_process.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/files.h"
#include "base/syscalls.h"
#include "base/units.h"

namespace cella::runtime {
namespace {

constexpr std::size_t kStartTimeField = 22;
constexpr std::size_t kExitCodeField = 52;
constexpr std::size_t kMaxHandle = 128;  // MAX_HANDLE_SZ

// The kernel's struct file_handle with room for the largest handle.
struct HandleBuffer {
  unsigned int handle_bytes = kMaxHandle;
  int handle_type = 0;
  unsigned char bytes[kMaxHandle] = {};
};
static_assert(sizeof(HandleBuffer) == 2 * sizeof(int) + kMaxHandle);

}  // namespace

Result<ProcessStat> parse_stat(std::string_view text) {
  // The command may contain spaces and parentheses; the last ')' ends it. Field 3 follows.
  const std::size_t command_end = text.rfind(')');
  if (command_end == std::string_view::npos) return Error(ErrorKind::kInvalid, "process stat: no command");
  std::string_view rest = text.substr(command_end + 1);
  ProcessStat stat;
  for (std::size_t field = 3; field <= kExitCodeField; ++field) {
    const std::size_t begin = rest.find_first_not_of(' ');
    if (begin == std::string_view::npos) return Error(ErrorKind::kInvalid, "process stat: too few fields");
    rest.remove_prefix(begin);
    const std::string_view value = rest.substr(0, rest.find_first_of(" \n"));
    if (value.empty()) return Error(ErrorKind::kInvalid, "process stat: too few fields");
    if (field == 3) stat.state = value.front();
    if (field == kStartTimeField) stat.start_time = TRY(parse_unsigned("start time", value));
    if (field == kExitCodeField) stat.exit_code = static_cast<int>(TRY(parse_signed("exit code", value)));
    rest.remove_prefix(value.size());
  }
  return stat;
}

Result<std::uint64_t> read_start_time(const Fd& procfs, pid_t pid) {
  return TRY(parse_stat(TRY(read_file_at(procfs, std::to_string(pid) + "/stat", 4096)))).start_time;
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

std::optional<PidfdInfo> read_pidfd_info(const PidFd& process, std::uint64_t wanted) {
  PidfdInfo info{};
  info.mask = wanted;
  // The raw call: C libraries differ in the type of ioctl's second argument.
  if (::syscall(SYS_ioctl, process.get(), kPidfdGetInfo, &info) != 0) return std::nullopt;
  return info;
}

std::optional<int> read_foreign_exit(const Fd& procfs, const PidFd& process, const ProcessIdentity& identity) {
  const auto ask_pidfd = [&]() -> std::optional<int> {
    const std::optional<PidfdInfo> info = read_pidfd_info(process, PIDFD_INFO_EXIT);
    if (!info || (info->mask & PIDFD_INFO_EXIT) == 0) return std::nullopt;
    return info->exit_code;
  };
  if (const auto known = ask_pidfd()) return known;
  const Result<std::string> text = read_file_at(procfs, std::to_string(identity.pid) + "/stat", 4096);
  const Result<ProcessStat> stat = text ? parse_stat(*text) : Result<ProcessStat>(text.error());
  if (stat && stat->state == 'Z' && stat->start_time == identity.start_time) return stat->exit_code;
  // It was reaped between the two questions.
  return ask_pidfd();
}

Result<void> ProcessWatch::start(Ended ended) {
  ended_ = std::move(ended);
  return watch_.start(loop_, process_, EPOLLIN, *this);
}

Result<void> ProcessWatch::signal(int number) const {
  if (sys_pidfd_send_signal(process_.get(), number, nullptr, 0) == 0) return kOk;
  if (errno == ESRCH) return Error(ErrorKind::kNotFound, ESRCH, "signal process " + std::to_string(identity_.pid));
  return errno_error(errno, "send signal " + std::to_string(number) + " to process " + std::to_string(identity_.pid));
}

void ProcessWatch::ready(std::uint32_t) {
  if (parent_ == Parent::kSelf) return reap();
  finish(read_foreign_exit(procfs_, process_, identity_));
}

void ProcessWatch::reap() {
  int status = 0;
  const pid_t reaped = ::waitpid(identity_.pid, &status, WNOHANG | __WALL);
  if (reaped == identity_.pid) return finish(status);
  // 0: not yet. ECHILD cannot happen to the only reaper, but waiting on would spin.
  if (reaped < 0 && errno == ECHILD) finish(std::nullopt);
}

void ProcessWatch::finish(std::optional<int> wait_status) {
  watch_.stop();
  // Moved out first: the callback may destroy this watch.
  const Ended ended = std::move(ended_);
  ended(wait_status);
}

}  // namespace cella::runtime
