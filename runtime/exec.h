// Starting processes inside running containers, from the keeper.
#pragma once

#include <span>
#include <sys/types.h>
#include <variant>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/dev_filesystem.h"
#include "runtime/exec_plan.h"

namespace cella::runtime {

// Where the keeper stands: its own namespaces, to come back to after a visit to a container's.
class HomeNamespaces {
 public:
  // procfs: of the caller's PID namespace.
  static Result<HomeNamespaces> open(const Fd& procfs);

  // Until the next return_home() children are born in the PID namespace of that process.
  Result<void> visit_pid_namespace(const PidFd& process);
  // Ends a visit. Errors: the caller's children would be born in the wrong namespace; do not clone until it succeeds.
  Result<void> return_home();

  // A NETLINK_ROUTE socket that belongs to that network namespace.
  Result<Fd> route_socket_in(const Fd& network_namespace);

 private:
  HomeNamespaces(Fd pid, Fd network) : pid_(std::move(pid)), network_(std::move(network)) {}
  Fd pid_;
  Fd network_;
  bool away_ = false;
};

// A child of the caller, which reaps it.
struct StartedProcess {
  pid_t pid = -1;
  PidFd pidfd;
};

// All borrowed. streams: used unless the plan asks for a terminal.
struct ExecDescriptors {
  int cgroup = -1;  // leaf cgroup; -1: the caller's
  int report = -1;  // SEQPACKET socket; closed without a report when the program runs (exec_report.h)
  int streams[3] = {-1, -1, -1};
};

// Starts a process in the container whose init is given, and does not wait for its program to start.
// The caller is single-threaded and the plan has passed check_exec_plan.
std::variant<StartedProcess, ExecFailure> start_exec(const ExecPlan& plan, const ExecDescriptors& descriptors,
                                                     const PidFd& init, HomeNamespaces& home, const Fd& procfs);

// The paths execve tries: argv[0] itself when it has a '/', else joined to each entry of PATH. For the tests.
std::vector<std::string> command_candidates(const ExecPlan& plan);

}  // namespace cella::runtime
