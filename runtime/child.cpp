#include "runtime/child.h"

#include <grp.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "base/syscalls.h"
#include "namespaces/mount_apply.h"
#include "namespaces/root_switch.h"
#include "runtime/child_io.h"
#include "runtime/child_privileges.h"
#include "runtime/console_pty.h"
#include "runtime/launch_network.h"

namespace cella::runtime {
namespace {

std::uint64_t now_ns() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
}

// The child's state between steps.
struct Child {
  const ChildInput& input;
  const LaunchPlan& plan;
  ChildReport report;
  namespaces::Filesystems filesystems;
  int root = -1;
  ConsolePty console;

  [[noreturn]] void fail(LaunchStep step, int errno_value, std::uint32_t index = 0) noexcept {
    report.kind = ChildReport::Kind::kFailed;
    report.failure = {.step = step, .errno_value = errno_value, .index = index};
    send_report(input.socket, report, -1);
    ::_exit(127);
  }

  void done(LaunchStep step) noexcept { report.clock[static_cast<std::size_t>(step)] = now_ns(); }

  // Ends the step, or the launch with the step's errno.
  void finish(LaunchStep step, int errno_value, std::uint32_t index = 0) noexcept {
    if (errno_value != 0) fail(step, errno_value, index);
    done(step);
  }
};

// Blocking dispositions and masks of the launcher must not reach init: exec keeps SIG_IGN and the mask.
void reset_signals() noexcept {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &plain, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void wait_for_go(Child& child) noexcept {
  ::close(child.input.launcher_socket);
  if (receive_go(child.input.socket, nullptr, 0) < 0) ::_exit(127);
  child.done(LaunchStep::kGo);
}

void receive_late_mounts(const ChildInput& input) noexcept {
  if (!input.awaits_late_mounts) return;
  const std::size_t room = input.descriptor_capacity - input.descriptor_count;
  if (receive_go(input.socket, input.descriptors + input.descriptor_count, room) < 0) ::_exit(127);
}

void take_ids(Child& child) noexcept {
  // Not dumpable from here to execve: nobody in the container may ptrace a process that still holds host descriptors.
  int failed = ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
  if (failed == 0) failed = become(0, 0, nullptr, 0);
  if (failed == 0 && child.plan.dies_with_launcher && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) failed = errno;
  ::umask(0);
  child.finish(LaunchStep::kIds, failed);
}

void enter_root(Child& child) noexcept {
  const auto made = namespaces::make_filesystems(child.plan.mounts, child.filesystems);
  if (made.errno_value == 0) receive_late_mounts(child.input);
  child.finish(LaunchStep::kFilesystems, made.errno_value, made.index);
  const int mount = child.input.descriptors[child.plan.mounts.root_descriptor];
  const auto switched = namespaces::switch_root(child.plan.mounts, mount, child.filesystems);
  child.root = switched.root;
  child.finish(LaunchStep::kRoot, switched.errno_value);
  const auto applied =
      namespaces::apply_mounts(child.plan.mounts, child.root, child.input.descriptors, child.filesystems);
  child.finish(LaunchStep::kMounts, applied.errno_value, applied.index);
}

int write_sysctl(int root, const Sysctl& sysctl) noexcept {
  // No process of the container has run yet and "proc" was mounted by us, so the walk below it is trusted.
  const int system = namespaces::open_target(root, "proc/sys", namespaces::TargetLinks::kRefuse, O_DIRECTORY);
  if (system < 0) return errno;
  const int file = ::openat(system, sysctl.name.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  int failed = file < 0 ? errno : 0;
  ::close(system);
  if (failed != 0) return failed;
  if (::write(file, sysctl.value.data(), sysctl.value.size()) < 0) failed = errno;
  ::close(file);
  return failed;
}

void write_sysctls(Child& child) noexcept {
  for (std::size_t index = 0; index < child.plan.sysctls.size(); ++index) {
    const int failed = write_sysctl(child.root, child.plan.sysctls[index]);
    if (failed != 0) child.fail(LaunchStep::kSysctls, failed, static_cast<std::uint32_t>(index));
  }
  if (!child.plan.sysctls.empty()) child.done(LaunchStep::kSysctls);
}

void open_console(Child& child) noexcept {
  if (child.plan.standard_streams != StandardStreams::kConsole) return;
  child.console = make_console(child.root, child.plan.console_rows, child.plan.console_columns);
  child.finish(LaunchStep::kConsole, child.console.errno_value);
}

void set_names(Child& child) noexcept {
  const std::string& host = child.plan.hostname;
  const std::string& domain = child.plan.domainname;
  int failed = 0;
  if (!host.empty() && ::sethostname(host.data(), host.size()) != 0) failed = errno;
  if (failed == 0 && !domain.empty() && ::setdomainname(domain.data(), domain.size()) != 0) failed = errno;
  child.finish(LaunchStep::kHostname, failed);
}

void set_up_network(Child& child) noexcept {
  const std::string& bytes = child.plan.inner_batch.bytes;
  if (bytes.empty()) return;
  const int socket = open_route_socket();
  if (socket < 0) child.fail(LaunchStep::kInnerNetwork, errno);
  const BatchOutcome sent = send_netlink_batch(socket, bytes.data(), bytes.size());
  ::close(socket);
  child.finish(LaunchStep::kInnerNetwork, sent.errno_value, sent.index);
}

// The session keyring is not namespaced: without a new one init would possess the launcher's keys.
void join_keyring(Child& child) noexcept {
  if (child.plan.session_keyring.empty()) return;
  const char* name = child.plan.session_keyring.c_str();
  const bool joined = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0) >= 0;
  // A kernel without keys has no keyring to leak.
  child.finish(LaunchStep::kKeyring, joined || errno == ENOSYS ? 0 : errno);
}

int duplicate_streams(const Child& child) noexcept {
  if (::setsid() < 0) return errno;
  if (child.plan.standard_streams == StandardStreams::kInherit) return 0;
  for (int standard = 0; standard < 3; ++standard) {
    const int index = child.plan.streams[static_cast<std::size_t>(standard)];
    if (::dup2(child.input.descriptors[index], standard) < 0) return errno;
  }
  return 0;
}

void set_streams(Child& child) noexcept {
  const bool has_console = child.plan.standard_streams == StandardStreams::kConsole;
  child.finish(LaunchStep::kStreams, has_console ? adopt_terminal(child.console.slave) : duplicate_streams(child));
}

// A working directory outside the root would be a way out (CVE-2024-21626); the kernel then reports "(unreachable)".
void change_directory(Child& child) noexcept {
  char path[4096];
  int failed = ::chdir(child.plan.working_directory.c_str()) == 0 ? 0 : errno;
  if (failed == 0 && ::syscall(SYS_getcwd, path, sizeof path) < 0) failed = errno;
  if (failed == 0 && path[0] != '/') failed = EXDEV;
  child.finish(LaunchStep::kWorkingDirectory, failed);
}

void give_up_privileges(Child& child) noexcept {
  int failed = drop_capabilities(child.plan.dropped_capabilities);
  if (failed == 0 && child.plan.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) failed = errno;
  child.finish(LaunchStep::kCapabilities, failed);
  ::umask(022);
  if (sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0) child.fail(LaunchStep::kDescriptors, errno);
  child.done(LaunchStep::kDescriptors);
  // Reported before the filter, which may forbid sendmsg.
  send_report(child.input.socket, child.report, child.console.master);
  // The filter before the ids: without CAP_SYS_ADMIN it would need no_new_privs.
  sock_fprog filter = child.input.seccomp;
  if (filter.len != 0 && sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) child.fail(LaunchStep::kSeccomp, errno);
  const LaunchPlan& plan = child.plan;
  if (plan.user == 0 && plan.group == 0 && plan.groups.empty()) return;
  failed = become(plan.user, plan.group, plan.groups.data(), plan.groups.size());
  // A change of ids clears the parent-death signal.
  if (failed == 0 && plan.dies_with_launcher && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) failed = errno;
  if (failed != 0) child.fail(LaunchStep::kIds, failed);
}

[[noreturn]] void execute(Child& child) noexcept {
  const LaunchPlan& plan = child.plan;
  const char* first = plan.executable.empty() ? plan.argv[0].c_str() : plan.executable.c_str();
  ::execve(first, child.input.argv, child.input.environment);
  int failed = errno;
  for (const std::string& next : plan.more_executables) {
    // As execvp(3): a file that may not be executed is remembered, a missing one is not.
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
    ::execve(next.c_str(), child.input.argv, child.input.environment);
    if (errno != ENOENT && errno != ENOTDIR) failed = errno;
  }
  child.fail(LaunchStep::kExecute, failed);
}

}  // namespace

void run_child(const ChildInput& input) noexcept {
  Child child{.input = input, .plan = *input.plan, .report = {}, .filesystems = {}, .console = {}};
  reset_signals();
  wait_for_go(child);
  take_ids(child);
  enter_root(child);
  write_sysctls(child);
  open_console(child);
  set_names(child);
  set_up_network(child);
  join_keyring(child);
  set_streams(child);
  change_directory(child);
  give_up_privileges(child);
  execute(child);
}

}  // namespace cella::runtime
