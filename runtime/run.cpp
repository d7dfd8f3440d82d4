#include "runtime/run.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "base/files.h"
#include "namespaces/id_map_file.h"
#include "runtime/launch.h"
#include "runtime/run_cgroup.h"
#include "runtime/run_mounts.h"
#include "runtime/run_options.h"
#include "runtime/run_plan.h"
#include "runtime/run_signals.h"
#include "runtime/run_terminal.h"

namespace cella::runtime {
namespace {

int report(std::string_view message, int status = kRunFailed) {
  const std::string line = "cella-runtime run: " + std::string(message) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  return status;
}

// Nothing but reboot(2) ends the first process of a PID namespace by SIGINT: a power-off or halt from inside, and by
// SIGHUP: a restart, which `run` does not do (129 tells). Source: reboot(2), "Behavior inside PID namespaces".
int exit_status(int wait_status) {
  if (!WIFSIGNALED(wait_status)) return WEXITSTATUS(wait_status);
  return WTERMSIG(wait_status) == SIGINT ? 0 : 128 + WTERMSIG(wait_status);
}

std::optional<int> reap(const Launched& container) {
  int status = 0;
  const pid_t reaped = ::waitpid(container.pid, &status, WNOHANG | __WALL);
  if (reaped == container.pid) return exit_status(status);
  return std::nullopt;
}

// Signal that ended the container because its first process had no handler; 0 for none.
int status_after(int killed_by, int status) { return killed_by != 0 ? 128 + killed_by : status; }

int wait_without_terminal(const Launched& container, const Fd& procfs, const BlockedSignals& signals) {
  int killed_by = 0;
  while (true) {
    if (const auto status = reap(container)) return status_after(killed_by, *status);
    const int signal = ::sigwaitinfo(&signals.set(), nullptr);
    if (signal > 0 && signal != SIGCHLD && pass_on_signal(container, procfs, signal)) killed_by = signal;
  }
}

// Handles one signal of the relay; remembers the one that killed the container.
void take_signal(const Launched& container, const Fd& procfs, const Fd& signal_fd, int& killed_by) {
  signalfd_siginfo info{};
  if (::read(signal_fd.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
  const int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGWINCH) return set_terminal_size(container.console_master, terminal_size(STDIN_FILENO));
  if (signal != SIGCHLD && pass_on_signal(container, procfs, signal)) killed_by = signal;
}

Result<int> wait_with_terminal(const Launched& container, const Fd& procfs, const BlockedSignals& signals) {
  const Fd signal_fd(::signalfd(-1, &signals.set(), SFD_CLOEXEC));
  if (!signal_fd) return errno_error(errno, "signalfd");
  const RawTerminal raw(STDIN_FILENO);
  TerminalRelay relay(container.console_master);
  int killed_by = 0;
  while (true) {
    if (const auto status = reap(container)) {
      relay.drain();
      return status_after(killed_by, *status);
    }
    if (!relay.wait_for_signal(signal_fd)) return Error(ErrorKind::kIo, errno, "poll");
    take_signal(container, procfs, signal_fd, killed_by);
  }
}

// A descriptor of ours must not become one of the container's standard streams because the caller had closed them.
bool fill_standard_streams() {
  for (int standard = 0; standard < 3; ++standard)
    if (::fcntl(standard, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != standard) return false;
  return true;
}

// The status for a launch that failed: as a shell's for a command that is missing or cannot be executed.
int failure_status(const LaunchFailure& failure) {
  if (failure.step != LaunchStep::kExecute) return kRunFailed;
  return failure.errno_value == ENOENT || failure.errno_value == ENOTDIR ? kRunNotFound : kRunNotExecutable;
}

int report_failure(const LaunchPlan& plan, const LaunchFailure& failure, const std::string& command) {
  if (failure.step != LaunchStep::kExecute) return report(launch_error(plan, failure).message());
  return report(errno_error(failure.errno_value, "execute " + command).message(), failure_status(failure));
}

Result<int> run_container(const RunOptions& options) {
  const RunSources sources = TRY(open_run_sources(options));
  const char* terminal = ::getenv("TERM");
  LaunchPlan plan = TRY(plan_run(options, sources, terminal == nullptr ? "" : terminal));
  const TerminalSize size = options.wants_terminal ? terminal_size(STDIN_FILENO) : TerminalSize{};
  plan.console_rows = size.rows;
  plan.console_columns = size.columns;
  const Fd procfs = TRY(namespaces::open_host_procfs());
  const BlockedSignals signals;
  const RunCgroup cgroup = TRY(RunCgroup::create(options));
  const int descriptors[] = {cgroup.directory()};
  Error late_error(ErrorKind::kInternal, "no error");
  LaunchBase base{.procfs = &procfs, .late_mounts_error = &late_error};
  // The first device program of a host costs milliseconds (the kernel patches itself), so that is done beside the
  // child's work too. The child waits for the mounts, so nothing of the container runs before it is in place.
  base.late_mounts = [&](const Fd& user_namespace) -> Result<std::vector<Fd>> {
    if (options.filters_devices) TRY(cgroup.filter_devices());
    return make_run_mounts(options, sources, user_namespace);
  };
  auto outcome = launch(plan, descriptors, base);
  if (const auto* failure = std::get_if<LaunchFailure>(&outcome)) {
    if (failure->step == LaunchStep::kLateMounts) return late_error;
    return report_failure(plan, *failure, options.command[0]);
  }
  const Launched& container = std::get<Launched>(outcome);
  if (options.wants_terminal) return wait_with_terminal(container, procfs, signals);
  return wait_without_terminal(container, procfs, signals);
}

}  // namespace

int run_command(std::span<const std::string> arguments) {
  auto parsed = parse_run_options(arguments);
  if (!parsed.ok()) return report(parsed.error().message() + "\nTry 'cella-runtime run --help'.");
  if (std::holds_alternative<RunHelp>(*parsed)) {
    const std::string help = run_help();
    return ::write(STDOUT_FILENO, help.data(), help.size()) == static_cast<ssize_t>(help.size()) ? 0 : kRunFailed;
  }
  if (!fill_standard_streams()) return report(errno_error(errno, "open /dev/null").message());
  if (::geteuid() != 0) return report("must be started by root: it makes id-mapped mounts and device nodes");
  auto status = run_container(std::get<RunOptions>(*parsed));
  return status.ok() ? *status : report(status.error().message());
}

}  // namespace cella::runtime
