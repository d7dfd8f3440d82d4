// Stopping and resuming every process of a cgroup, and killing them all.
#pragma once

#include <chrono>

#include "cgroups/cgroup.h"

namespace cella::cgroups {

// Writes cgroup.freeze and waits for the kernel to report it. A freeze that does not complete in time is taken back.
// Errors: kTimeout (a process sits in an uninterruptible wait); kNotFound when the cgroup is gone.
Result<void> freeze(const Cgroup& cgroup, std::chrono::milliseconds patience);
Result<void> unfreeze(const Cgroup& cgroup, std::chrono::milliseconds patience);

enum class KillMethod {
  kAuto,       // cgroup.kill, or signals where the kernel lacks it (before 5.14)
  kCgroupKill, // cgroup.kill only
  kSignals,    // freeze, SIGKILL through a pidfd for each process, thaw; repeated until nothing is left
};

// Kills every process in the cgroup and below it and waits until none is left.
//
// Only as the last act before Hierarchy::destroy(): after cgroup.kill the kernel kills at birth whatever is cloned into
// this cgroup (CLONE_INTO_CGROUP). To stop a container, SIGKILL to its init's pidfd is enough.
// Errors: kTimeout when processes are left after `patience`.
Result<void> kill_all(const Cgroup& cgroup, std::chrono::milliseconds patience, KillMethod method = KillMethod::kAuto);

}  // namespace cella::cgroups
