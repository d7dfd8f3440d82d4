#include "runtime/exec.h"

#include <cerrno>
#include <csignal>
#include <linux/netlink.h>
#include <sched.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/syscalls.h"
#include "runtime/exec_child.h"

namespace cella::runtime {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view path_of(const ExecPlan& plan) {
  for (const std::string& variable : plan.environment)
    if (variable.starts_with("PATH=")) return std::string_view(variable).substr(5);
  return kDefaultPath;
}

std::vector<const char*> pointers(const std::vector<std::string>& strings) {
  std::vector<const char*> list;
  list.reserve(strings.size() + 1);
  for (const std::string& text : strings) list.push_back(text.c_str());
  list.push_back(nullptr);
  return list;
}

ExecFailure failed(ExecStep step, int errno_value) { return {.step = step, .errno_value = errno_value}; }

}  // namespace

Result<HomeNamespaces> HomeNamespaces::open(const Fd& procfs) {
  Fd pid = TRY(open_at(procfs, "self/ns/pid", O_RDONLY));
  return HomeNamespaces(std::move(pid), TRY(open_at(procfs, "self/ns/net", O_RDONLY)));
}

Result<void> HomeNamespaces::visit_pid_namespace(const PidFd& process) {
  TRY(return_home());
  if (::setns(process.get(), CLONE_NEWPID) != 0) return errno_error(errno, "join PID namespace");
  away_ = true;
  return kOk;
}

Result<void> HomeNamespaces::return_home() {
  if (away_ && ::setns(pid_.get(), CLONE_NEWPID) != 0) return errno_error(errno, "return to own PID namespace");
  away_ = false;
  return kOk;
}

Result<Fd> HomeNamespaces::route_socket_in(const Fd& network_namespace) {
  if (::setns(network_namespace.get(), CLONE_NEWNET) != 0) return errno_error(errno, "join network namespace");
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  const int saved = errno;
  // This namespace stays open for the keeper's life and the keeper keeps its rights, so the way back cannot be refused.
  if (::setns(network_.get(), CLONE_NEWNET) != 0) return errno_error(errno, "return to own network namespace");
  if (!socket) return errno_error(saved, "create route socket in network namespace");
  return socket;
}

std::vector<std::string> command_candidates(const ExecPlan& plan) {
  const std::string& command = plan.argv.front();
  if (command.find('/') != std::string::npos) return {command};
  std::vector<std::string> candidates;
  std::string_view rest = path_of(plan);
  while (true) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    // An empty entry means the working directory for a shell; here it would only be a way to run something unexpected.
    if (!folder.empty()) candidates.push_back(std::string(folder) + "/" + command);
    if (colon == std::string_view::npos) return candidates;
    rest.remove_prefix(colon + 1);
  }
}

std::variant<StartedProcess, ExecFailure> start_exec(const ExecPlan& plan, const ExecDescriptors& descriptors,
                                                     const PidFd& init, HomeNamespaces& home, const Fd& procfs) {
  const std::vector<std::string> paths = command_candidates(plan);
  const std::vector<const char*> argv = pointers(plan.argv);
  const std::vector<const char*> environment = pointers(plan.environment);
  const std::vector<const char*> candidates = pointers(paths);
  const std::string oom_score_adj = std::to_string(plan.oom_score_adj);
  ExecChild child;
  child.argv = argv.data();
  child.environment = environment.data();
  child.candidates = candidates.data();
  child.working_directory = plan.working_directory.c_str();
  child.groups = plan.groups.data();
  child.group_count = plan.groups.size();
  child.limits = plan.resource_limits.data();
  child.limit_count = plan.resource_limits.size();
  child.oom_score_adj = plan.has_oom_score_adj ? oom_score_adj.c_str() : nullptr;
  child.plan = &plan;
  child.init_pidfd = init.get();
  child.procfs = procfs.get();
  child.report = descriptors.report;
  for (int i = 0; i < 3; ++i) child.streams[i] = descriptors.streams[i];

  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD;
  args.exit_signal = SIGCHLD;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  if (descriptors.cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(descriptors.cgroup);
  }
  // The PID namespace is the one the child cannot join by itself. The cgroup is entered by the clone, before the cgroup
  // namespace is joined: the other way round nsdelegate answers ENOENT.
  if (const auto visit = home.visit_pid_namespace(init); !visit)
    return failed(ExecStep::kClone, visit.error().errno_value());
  const long pid = sys_clone3(&args);
  const int saved = errno;
  if (pid == 0) become_exec_child(child);
  const Result<void> back = home.return_home();
  if (pid < 0) return failed(ExecStep::kClone, saved);
  StartedProcess started{static_cast<pid_t>(pid), PidFd(pidfd)};
  if (back) return started;
  (void)sys_pidfd_send_signal(started.pidfd.get(), SIGKILL, nullptr, 0);
  (void)::waitpid(started.pid, nullptr, __WALL);
  return failed(ExecStep::kClone, back.error().errno_value());
}

}  // namespace cella::runtime
