#include "runtime/exec_child.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "runtime/exec_report.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

// SAFETY: everything here runs after clone3 and makes only system calls on memory that was prepared before.
namespace cella::runtime {
namespace {

constexpr int kNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
constexpr int kNotFoundStatus = 127;
constexpr int kFailedStatus = 126;

[[noreturn]] void fail(const ExecChild& child, ExecStep step) noexcept {
  const int saved = errno;
  Report report;
  report.step = static_cast<std::uint8_t>(step);
  report.errno_value = saved;
  (void)send_report(child.report, report);
  ::_exit(step == ExecStep::kExecute && saved == ENOENT ? kNotFoundStatus : kFailedStatus);
}

// Already so in the keeper; said again after every change of ids (fs.suid_dumpable may undo it), because from the join on
// processes of the container could otherwise read this copy of the keeper's memory through ptrace (CVE-2016-9962 and kin).
void stay_hidden(const ExecChild& child) noexcept {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fail(child, ExecStep::kJoin);
}

void reset_signals() noexcept {
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// While still root of the host: a hard limit may be raised and the oom score lowered only now.
void set_host_side(const ExecChild& child) noexcept {
  for (std::size_t i = 0; i < child.limit_count; ++i) {
    const rlimit value{child.limits[i].soft, child.limits[i].hard};
    // The raw call: glibc takes an enumeration here in C++.
    if (::syscall(SYS_prlimit64, 0, child.limits[i].resource, &value, nullptr) != 0) fail(child, ExecStep::kResourceLimits);
  }
  if (child.oom_score_adj == nullptr) return;
  const int file = ::openat(child.procfs, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  const std::size_t length = std::strlen(child.oom_score_adj);
  if (file < 0 || ::write(file, child.oom_score_adj, length) != static_cast<ssize_t>(length))
    fail(child, ExecStep::kOomScore);
  ::close(file);
}

// The container may have put anything at this path, so what was opened is looked at before it is trusted.
int open_terminal_master() noexcept {
  const int master = ::open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0) return -1;
  struct stat status {};
  if (::fstat(master, &status) != 0) return -1;
  if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(5, 2)) {
    errno = ENOTTY;
    return -1;
  }
  const int unlocked = 0;
  if (::ioctl(master, TIOCSPTLCK, &unlocked) != 0) return -1;
  return ::fcntl(master, F_SETFL, O_RDWR) == 0 ? master : -1;
}

int make_terminal(const ExecChild& child) noexcept {
  const int master = open_terminal_master();
  if (master < 0) fail(child, ExecStep::kTerminal);
  const int slave = ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) fail(child, ExecStep::kTerminal);
  winsize window{};
  window.ws_row = child.plan->terminal->rows;
  window.ws_col = child.plan->terminal->columns;
  if (::ioctl(master, TIOCSWINSZ, &window) != 0) fail(child, ExecStep::kTerminal);
  if (::fchown(slave, child.plan->user, static_cast<gid_t>(-1)) != 0) fail(child, ExecStep::kTerminal);
  if (::ioctl(slave, TIOCSCTTY, 0) != 0) fail(child, ExecStep::kTerminal);
  Report report;
  report.kind = ReportKind::kTerminal;
  if (!send_report(child.report, report, master)) fail(child, ExecStep::kTerminal);
  ::close(master);
  return slave;
}

void connect_streams(const ExecChild& child) noexcept {
  ::setsid();
  int sources[3] = {child.streams[0], child.streams[1], child.streams[2]};
  if (child.plan->terminal) sources[0] = sources[1] = sources[2] = make_terminal(child);
  for (int target = 0; target < 3; ++target)
    if (::dup2(sources[target], target) < 0) fail(child, ExecStep::kStreams);
}

void drop_capabilities(const ExecChild& child) noexcept {
  for (unsigned capability = 0; capability < 64; ++capability) {
    if ((child.plan->dropped_capabilities >> capability & 1) == 0) continue;
    // EINVAL: this kernel does not know the capability, so nobody has it.
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) fail(child, ExecStep::kCapabilities);
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) fail(child, ExecStep::kCapabilities);
}

void join_keyring(const ExecChild& child) noexcept {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr, 0, 0, 0) >= 0) return;
  if (errno != ENOSYS) fail(child, ExecStep::kKeyring);
}

void load_seccomp(const ExecChild& child) noexcept {
  const ExecPlan& plan = *child.plan;
  if (plan.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(child, ExecStep::kSeccomp);
  if (plan.seccomp.empty()) return;
  sock_fprog program{};
  program.len = static_cast<unsigned short>(plan.seccomp.size());
  program.filter = const_cast<sock_filter*>(plan.seccomp.data());
  if (sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &program) != 0) fail(child, ExecStep::kSeccomp);
}

void set_ids(const ExecChild& child) noexcept {
  // Raw calls: glibc's wrappers signal other threads, which a clone does not have.
  if (::syscall(SYS_setgroups, child.group_count, child.groups) != 0) fail(child, ExecStep::kIds);
  const gid_t group = child.plan->group;
  const uid_t user = child.plan->user;
  if (::syscall(SYS_setresgid, group, group, group) != 0) fail(child, ExecStep::kIds);
  if (::syscall(SYS_setresuid, user, user, user) != 0) fail(child, ExecStep::kIds);
}

void become_container_root(const ExecChild& child) noexcept {
  if (::syscall(SYS_setresgid, 0, 0, 0) != 0) fail(child, ExecStep::kIds);
  if (::syscall(SYS_setresuid, 0, 0, 0) != 0) fail(child, ExecStep::kIds);
}

[[noreturn]] void execute(const ExecChild& child) noexcept {
  // As execvp(3): a candidate that may not be executed does not end the search, but is remembered.
  int remembered = ENOENT;
  for (const char* const* path = child.candidates; *path != nullptr; ++path) {
    ::execve(*path, const_cast<char* const*>(child.argv), const_cast<char* const*>(child.environment));
    if (errno == EACCES) remembered = EACCES;
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) continue;
    remembered = errno;
    break;
  }
  errno = remembered;
  fail(child, ExecStep::kExecute);
}

}  // namespace

void become_exec_child(const ExecChild& child) noexcept {
  stay_hidden(child);
  reset_signals();
  set_host_side(child);
  // All at once: user namespace first would leave no right to join the others through the same pidfd.
  if (::setns(child.init_pidfd, kNamespaces) != 0) fail(child, ExecStep::kJoin);
  ::umask(022);
  become_container_root(child);
  stay_hidden(child);
  join_keyring(child);
  connect_streams(child);
  // The bounding set and a filter without no_new_privs need the capabilities that set_ids may give up.
  drop_capabilities(child);
  load_seccomp(child);
  set_ids(child);
  stay_hidden(child);
  if (::chdir(child.working_directory) != 0) fail(child, ExecStep::kWorkingDirectory);
  if (sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) fail(child, ExecStep::kDescriptors);
  execute(child);
}

}  // namespace cella::runtime
