// Executing a LaunchPlan: one clone3 with everything, id maps, host network, go; the child does the rest and execs.
#pragma once

#include <sys/types.h>
#include <functional>
#include <span>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "runtime/plan.h"

namespace cella::runtime {

// What the launcher brings to every launch. Borrowed for the call.
struct LaunchBase {
  // A procfs of the launcher's PID namespace (BaseNamespace::procfs, or /proc of the host in `run`): id maps, namespace
  // descriptors and oom_score_adj go through it.
  const Fd* procfs = nullptr;
  // An AF_NETLINK/NETLINK_ROUTE socket in the launcher's network namespace for host_batch; null: one is opened.
  const Fd* route_socket = nullptr;
  // Mounts that can be made only once the container's user namespace exists (`run`). Called after the id maps are
  // written, with the user namespace. The descriptors it returns follow the given ones in the plan's index space.
  std::function<Result<std::vector<Fd>>(const Fd& user_namespace)> late_mounts;
  // Receives the error behind a kLateMounts failure, which carries more than an errno. May be null.
  Error* late_mounts_error = nullptr;
};

// A container whose init has been exec'ed. The caller is its parent and reaps it.
struct Launched {
  pid_t pid = -1;  // in the caller's PID namespace
  PidFd pidfd;
  Fd console_master;  // non-blocking is not set; invalid unless StandardStreams::kConsole
  LaunchTimings timings;
};

// Runs the plan; returns once init has been exec'ed or the launch has failed (then the child is dead and reaped).
//
// descriptors: what the plan's indexes mean; borrowed, CLOEXEC, must not be 0, 1 or 2.
// The plan must have passed check_launch_plan. The caller must be single-threaded (the child shares nothing, but locks
// held by other threads would stay held in it), and have CAP_SYS_ADMIN in the initial user namespace.
// The host batch is sent after the id maps are written and before the child goes on.
std::variant<Launched, LaunchFailure> launch(const LaunchPlan& plan, std::span<const int> descriptors,
                                             const LaunchBase& base);

}  // namespace cella::runtime
