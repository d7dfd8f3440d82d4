// One process to run inside a running container, fully resolved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime/plan.h"

namespace cella::runtime {

// First window size of a session's pty; 0 rows or columns leave the kernel's 0.
struct TerminalSize {
  std::uint16_t columns = 0;
  std::uint16_t rows = 0;
  bool operator==(const TerminalSize&) const = default;
};

// The security members take the values of the container's LaunchPlan, so that nothing enters with more than init has.
struct ExecPlan {
  std::vector<std::string> argv;         // argv[0] without '/' is searched in PATH of `environment`, inside
  std::vector<std::string> environment;  // "KEY=value", the whole environment
  std::string working_directory = "/";   // absolute, inside
  std::uint32_t user = 0;                // container ids
  std::uint32_t group = 0;
  std::vector<std::uint32_t> groups;

  std::optional<TerminalSize> terminal;  // a new pty of the container instead of the caller's three streams
  std::vector<ResourceLimit> resource_limits;
  bool has_oom_score_adj = false;
  std::int32_t oom_score_adj = 0;  // -1000..1000

  std::uint64_t dropped_capabilities = 0;  // bit per CAP_*
  std::vector<sock_filter> seccomp;
  bool no_new_privileges = false;
};

// The steps of an exec in order. Numbers are wire format: append only.
enum class ExecStep : std::uint8_t {
  kClone = 0,  // joining the PID namespace and clone3 into the leaf cgroup
  kResourceLimits,
  kOomScore,
  kDied,  // the child was killed before it reported
  kJoin,  // child from here on: setns of all other namespaces
  kTerminal,
  kStreams,
  kIds,
  kWorkingDirectory,
  kCapabilities,
  kSeccomp,
  kDescriptors,
  kExecute,
  kKeyring,  // a session keyring of its own
};

// "clone", "resource_limits", …
std::string_view exec_step_name(ExecStep step);

// Why an exec failed; no process is left over.
struct ExecFailure {
  ExecStep step = ExecStep::kClone;
  std::int32_t errno_value = 0;
};

// The failure as an Error naming the step and its object (the command, the directory).
Error exec_error(const ExecPlan& plan, const ExecFailure& failure);

// Checks what can be checked without the kernel. Errors: kInvalid naming the member.
Result<void> check_exec_plan(const ExecPlan& plan);

}  // namespace cella::runtime
