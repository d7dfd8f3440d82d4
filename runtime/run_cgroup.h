// The cgroup of one `run`: made before, removed after.
#pragma once

#include <string>

#include "base/fd.h"
#include "cgroups/hierarchy.h"
#include "runtime/run_options.h"

namespace cella::runtime {

// Owns the cgroup; destroyed: removes it with everything below. The container must be dead by then.
class RunCgroup {
 public:
  // Makes cella.run.PID below the root of the v2 hierarchy, limits written, delegated to the container's root.
  // Errors: kUnsupported when there is no v2 hierarchy, or it lacks the controller of a limit (named).
  static Result<RunCgroup> create(const RunOptions& options);

  RunCgroup(RunCgroup&& other) noexcept = default;
  RunCgroup& operator=(RunCgroup&&) = delete;
  ~RunCgroup();

  // Puts the default device program on it. Errors: kUnsupported when the kernel takes none; kDenied when this process
  // may not load one.
  Result<void> filter_devices() const;

  int directory() const { return cgroup_.dir().get(); }

 private:
  RunCgroup(cgroups::Hierarchy hierarchy, cgroups::Cgroup cgroup, std::string name)
      : hierarchy_(std::move(hierarchy)), cgroup_(std::move(cgroup)), name_(std::move(name)) {}
  cgroups::Hierarchy hierarchy_;
  cgroups::Cgroup cgroup_;
  std::string name_;  // empty after a move
};

}  // namespace cella::runtime
