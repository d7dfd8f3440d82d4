// RunOptions → LaunchPlan.
#pragma once

#include "runtime/plan.h"
#include "runtime/run_mounts.h"
#include "runtime/run_options.h"

namespace cella::runtime {

// Index of the cgroup directory; the late mounts follow it.
inline constexpr DescriptorIndex kRunCgroup = 0;
inline constexpr DescriptorIndex kRunFirstMount = 1;

// terminal: value of TERM for --tty. Errors: kNotFound or kInvalid for a seccomp policy file.
Result<LaunchPlan> plan_run(const RunOptions& options, const RunSources& sources, const std::string& terminal);

// The environment: defaults, then the user's, each name once.
std::vector<std::string> run_environment(const RunOptions& options, const std::string& terminal);

// Where execve looks for a command: itself when it has a slash, else each directory of PATH.
std::vector<std::string> command_paths(const std::string& command, const std::vector<std::string>& environment);

}  // namespace cella::runtime
