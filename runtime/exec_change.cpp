#include "runtime/exec_change.h"

#include <cerrno>
#include <csignal>
#include <linux/magic.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/rooted.h"
#include "base/syscalls.h"
#include "runtime/exec_report.h"

namespace cella::runtime {
namespace {

constexpr unsigned kWorkerSeconds = 10;
constexpr int kUmountNoFollow = 8;  // UMOUNT_NOFOLLOW of <sys/mount.h>, which cannot be included

struct Split {
  std::string parent;
  std::string name;
};

Split split_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// No empty, "." or ".." component; absolute or relative as asked.
bool is_plain_path(const std::string& path, bool absolute) {
  if (path.empty() || path.size() > 4000 || (path.front() == '/') != absolute) return false;
  if (path.find('\0') != std::string::npos) return false;
  for (std::size_t begin = absolute ? 1 : 0; begin <= path.size();) {
    std::size_t end = path.find('/', begin);
    if (end == std::string::npos) end = path.size();
    const std::string part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

[[noreturn]] void report_and_exit(int socket, ReportKind kind, ChangeStep step, int errno_value) {
  Report report;
  report.kind = kind;
  report.step = static_cast<std::uint8_t>(step);
  report.errno_value = errno_value;
  (void)send_report(socket, report);
  ::_exit(kind == ReportKind::kDone ? 0 : 1);
}

// Runs in the worker: the process is single-threaded and shares no memory, so allocation is allowed here.
class Worker {
 public:
  Worker(int init, int report) : init_(init), report_(report) {}

  void join_with_own_privileges() {
    if (::setns(init_, CLONE_NEWUSER | CLONE_NEWNS) != 0) fail(ChangeStep::kJoin);
    // As container root, so that what is made belongs to it; ids are still the host's until now.
    if (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0) fail(ChangeStep::kJoin);
    open_root();
  }

  void join_with_host_privileges() {
    if (::setns(init_, CLONE_NEWNS) != 0) fail(ChangeStep::kJoin);
    open_root();
  }

  void operator()(const MountAttachment& change) {
    join_with_own_privileges();
    const Fd target = mount_point(change);
    if (sys_move_mount(change.mount, "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
      fail(ChangeStep::kApply);
  }

  void operator()(const MountDetachment& change) {
    join_with_own_privileges();
    const Split split = split_path(change.path);
    const Fd parent = need(open_in_root(root_, split.parent, O_PATH | O_DIRECTORY), ChangeStep::kPrepare);
    // umount2 takes a path, so the directory is entered; the last component is never followed.
    if (::fchdir(parent.get()) != 0) fail(ChangeStep::kPrepare);
    if (sys_umount2(split.name.c_str(), kMntDetach | kUmountNoFollow) != 0) fail(ChangeStep::kApply);
  }

  void operator()(const DeviceCreation& change) {
    join_with_host_privileges();
    const DeviceNode& node = change.node;
    const Split split = split_path(node.path);
    const Fd dev = open_dev();
    const Fd parent = make_parents(dev, split.parent, node);
    ::umask(0);
    const dev_t number = makedev(node.major, node.minor);
    const mode_t type = node.is_block ? S_IFBLK : S_IFCHR;
    if (::mknodat(parent.get(), split.name.c_str(), type | (node.mode & 07777u), number) != 0) fail(ChangeStep::kApply);
    // The container may already have put something else there; only the node just made is given away.
    const Fd made = need(open_beneath(parent, split.name, O_PATH | O_NOFOLLOW), ChangeStep::kApply);
    struct stat status {};
    if (::fstat(made.get(), &status) != 0) fail(ChangeStep::kApply);
    if ((status.st_mode & S_IFMT) != type || status.st_rdev != number) fail_with(ChangeStep::kApply, EEXIST);
    if (::fchownat(made.get(), "", node.user.value, node.group.value, AT_EMPTY_PATH) != 0) fail(ChangeStep::kApply);
  }

  void operator()(const DeviceRemoval& change) {
    join_with_host_privileges();
    const Split split = split_path(change.path);
    const Fd dev = open_dev();
    const Fd parent = need(open_beneath(dev, split.parent, O_PATH | O_DIRECTORY), ChangeStep::kPrepare);
    struct stat status {};
    if (::fstatat(parent.get(), split.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) fail(ChangeStep::kPrepare);
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) fail_with(ChangeStep::kPrepare, ENODEV);
    if (::unlinkat(parent.get(), split.name.c_str(), 0) != 0) fail(ChangeStep::kApply);
  }

 private:
  [[noreturn]] void fail_with(ChangeStep step, int errno_value) {
    report_and_exit(report_, ReportKind::kFailed, step, errno_value);
  }
  [[noreturn]] void fail(ChangeStep step) { fail_with(step, errno); }

  template <typename T>
  T need(Result<T> result, ChangeStep step) {
    if (!result) fail_with(step, result.error().errno_value() != 0 ? result.error().errno_value() : EINVAL);
    return std::move(result).value();
  }

  void open_root() { root_ = need(open_path("/", O_PATH | O_DIRECTORY), ChangeStep::kJoin); }

  Fd mount_point(const MountAttachment& change) {
    const Split split = split_path(change.path);
    if (change.point == MountPoint::kMakeDirectory)
      return need(make_dirs_in_root(root_, change.path, NewDirectory{}), ChangeStep::kPrepare);
    if (change.point == MountPoint::kMakeFile) {
      const Fd parent = need(make_dirs_in_root(root_, split.parent, NewDirectory{}), ChangeStep::kPrepare);
      const int made = ::openat(parent.get(), split.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
      if (made < 0 && errno != EEXIST) fail(ChangeStep::kPrepare);
      if (made >= 0) ::close(made);
    }
    return need(open_in_root(root_, change.path, O_PATH), ChangeStep::kPrepare);
  }

  // Nodes made with the host's rights go to a tmpfs only: nothing on disk, and one that the container mounted itself is
  // nodev for the kernel.
  Fd open_dev() {
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
    Fd dev(sys_openat2(root_.get(), "dev", &how));
    struct statfs system {};
    if (!dev || ::fstatfs(dev.get(), &system) != 0) fail(ChangeStep::kPrepare);
    if (system.f_type != TMPFS_MAGIC) fail_with(ChangeStep::kPrepare, EXDEV);
    return dev;
  }

  Fd make_parents(const Fd& dev, const std::string& path, const DeviceNode& node) {
    Fd current = need(open_beneath(dev, ".", O_PATH | O_DIRECTORY), ChangeStep::kPrepare);
    for (std::size_t begin = 0; path != "." && begin < path.size();) {
      std::size_t end = path.find('/', begin);
      if (end == std::string::npos) end = path.size();
      const std::string part = path.substr(begin, end - begin);
      begin = end + 1;
      const bool fresh = ::mkdirat(current.get(), part.c_str(), 0755) == 0;
      if (!fresh && errno != EEXIST) fail(ChangeStep::kPrepare);
      current = need(open_beneath(current, part, O_PATH | O_DIRECTORY), ChangeStep::kPrepare);
      if (fresh && ::fchownat(current.get(), "", node.user.value, node.group.value, AT_EMPTY_PATH) != 0)
        fail(ChangeStep::kPrepare);
    }
    return current;
  }

  int init_;
  int report_;
  Fd root_;
};

[[noreturn]] void work(const ContainerChange& change, int init, int report) {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::alarm(kWorkerSeconds);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) ::_exit(1);
  Worker worker(init, report);
  std::visit(worker, change);
  report_and_exit(report, ReportKind::kDone, ChangeStep::kApply, 0);
}

const std::string& path_of(const ContainerChange& change) {
  if (const auto* attach = std::get_if<MountAttachment>(&change)) return attach->path;
  if (const auto* detach = std::get_if<MountDetachment>(&change)) return detach->path;
  if (const auto* create = std::get_if<DeviceCreation>(&change)) return create->node.path;
  return std::get<DeviceRemoval>(change).path;
}

}  // namespace

std::string_view change_step_name(ChangeStep step) {
  switch (step) {
    case ChangeStep::kJoin: return "join the container";
    case ChangeStep::kPrepare: return "resolve the path";
    case ChangeStep::kApply: return "apply";
  }
  return "unknown";
}

Result<void> check_change(const ContainerChange& change) {
  const bool is_mount = change.index() < 2;
  if (is_plain_path(path_of(change), is_mount)) return kOk;
  return invalid_value(is_mount ? "mount path" : "device path", path_of(change),
                       is_mount ? "not an absolute path without \".\" and \"..\""
                                : "not a path relative to /dev without \".\" and \"..\"");
}

Result<StartedProcess> start_change(const ContainerChange& change, const PidFd& init, int report) {
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.exit_signal = SIGCHLD;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  const long pid = sys_clone3(&args);
  if (pid < 0) return errno_error(errno, "clone worker");
  if (pid == 0) work(change, init.get(), report);
  return StartedProcess{static_cast<pid_t>(pid), PidFd(pidfd)};
}

}  // namespace cella::runtime
