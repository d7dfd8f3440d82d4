#include "runtime/base_namespace.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cerrno>
#include <csignal>

#include "base/seqpacket.h"
#include "base/syscalls.h"

namespace cella::runtime {
namespace {

constexpr unsigned kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// A new file system, detached. -1 and errno. Also runs after clone.
int make_detached(const char* type, unsigned attributes, const char* size) noexcept {
  const int fs = sys_fsopen(type, FSOPEN_CLOEXEC);
  if (fs < 0) return -1;
  int mount = -1;
  const bool sized = size == nullptr || (sys_fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) == 0 &&
                                         sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) == 0);
  if (sized && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0)
    mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes);
  const int failed = errno;
  ::close(fs);
  errno = failed;
  return mount;
}

Result<Fd> require_detached(const char* type, unsigned attributes, const char* size = nullptr) {
  const int mount = make_detached(type, attributes, size);
  if (mount < 0) return errno_error(errno, std::string("make file system ") + type);
  return Fd(mount);
}

struct DeadViews {
  Fd procfs;
  Fd sysfs;
};

// In a child that is alone in new PID and network namespaces: makes the mounts, hands them over and exits. With it the
// PID namespace dies, and the network namespace stays empty; the two file systems live on and show nothing for ever.
[[noreturn]] void make_views_and_exit(const Fd& socket) {
  const int mounts[2] = {make_detached("proc", kQuiet, nullptr), make_detached("sysfs", kQuiet, nullptr)};
  const bool made = mounts[0] >= 0 && mounts[1] >= 0;
  const bool sent = made && send_datagram(socket, "v", mounts).ok();
  ::_exit(sent ? 0 : 1);
}

Result<DeadViews> make_dead_views() {
  SocketPair pair = TRY(make_seqpacket_pair());
  clone_args args{};
  args.flags = CLONE_NEWPID | CLONE_NEWNET;
  args.exit_signal = SIGCHLD;
  const long pid = sys_clone3(&args);
  if (pid == 0) make_views_and_exit(pair.second);
  if (pid < 0) return errno_error(errno, "clone3 for empty views");
  pair.second.reset();
  auto views = receive_datagram(pair.first, 16);
  while (::waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!views.ok()) return std::move(views).error();
  if (views->descriptors.size() != 2) return Error(ErrorKind::kIo, "make procfs and sysfs of empty namespaces");
  return DeadViews{.procfs = std::move(views->descriptors[0]), .sysfs = std::move(views->descriptors[1])};
}

Result<void> attach(const Fd& mount, const char* target) {
  if (sys_move_mount(mount.get(), "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) == 0) return kOk;
  return errno_error(errno, std::string("attach mount on ") + target);
}

// Stacks the tmpfs over "/", makes it the root, and detaches everything of the host.
Result<void> become_root(const Fd& base) {
  TRY(attach(base, "/"));
  if (::fchdir(base.get()) != 0) return errno_error(errno, "fchdir to the base");
  if (sys_pivot_root(".", ".") != 0) return errno_error(errno, "pivot_root to the base");
  if (sys_umount2(".", kMntDetach) != 0) return errno_error(errno, "detach the host's mounts");
  if (::chdir("/") != 0) return errno_error(errno, "chdir to the base");
  return kOk;
}

Result<void> make_directories(const Fd& base) {
  for (const char* name : {"proc", "sys"})
    if (::mkdirat(base.get(), name, 0555) != 0)
      return errno_error(errno, std::string("mkdir ") + name + " in the base");
  return kOk;
}

}  // namespace

Result<BaseNamespace> enter_base_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) return errno_error(errno, "unshare mount namespace");
  if (sys_mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return errno_error(errno, "make mounts private");
  BaseNamespace result;
  result.procfs = TRY(require_detached("proc", kQuiet));
  const DeadViews views = TRY(make_dead_views());
  const Fd base = TRY(require_detached("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, "4k"));
  TRY(make_directories(base));
  TRY(become_root(base));
  TRY(attach(views.procfs, "/proc"));
  TRY(attach(views.sysfs, "/sys"));
  return result;
}

}  // namespace cella::runtime
