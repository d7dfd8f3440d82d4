#include "runtime/exec_plan.h"

#include <algorithm>

namespace cella::runtime {
namespace {

constexpr std::size_t kMaxGroups = 65536;         // NGROUPS_MAX
constexpr std::size_t kMaxInstructions = 4096;    // BPF_MAXINSNS
constexpr std::uint32_t kResourceLimitCount = 16;  // RLIM_NLIMITS

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

Error invalid(const char* member, const char* reason) {
  return Error(ErrorKind::kInvalid, std::string("exec plan: ") + member + ": " + reason);
}

}  // namespace

std::string_view exec_step_name(ExecStep step) {
  switch (step) {
    case ExecStep::kClone: return "clone";
    case ExecStep::kResourceLimits: return "resource_limits";
    case ExecStep::kOomScore: return "oom_score";
    case ExecStep::kDied: return "died";
    case ExecStep::kJoin: return "join";
    case ExecStep::kTerminal: return "terminal";
    case ExecStep::kStreams: return "streams";
    case ExecStep::kIds: return "ids";
    case ExecStep::kWorkingDirectory: return "working_directory";
    case ExecStep::kCapabilities: return "capabilities";
    case ExecStep::kSeccomp: return "seccomp";
    case ExecStep::kDescriptors: return "descriptors";
    case ExecStep::kExecute: return "execute";
    case ExecStep::kKeyring: return "keyring";
  }
  return "unknown";
}

Error exec_error(const ExecPlan& plan, const ExecFailure& failure) {
  std::string text = "exec: " + std::string(exec_step_name(failure.step));
  if (failure.step == ExecStep::kExecute && !plan.argv.empty()) text += ": " + plan.argv.front();
  if (failure.step == ExecStep::kWorkingDirectory) text += ": " + plan.working_directory;
  if (failure.step == ExecStep::kTerminal) text += ": /dev/pts/ptmx";
  if (failure.step == ExecStep::kDied) text += ": the process was killed before its program started";
  return errno_error(failure.errno_value, std::move(text));
}

Result<void> check_exec_plan(const ExecPlan& plan) {
  if (plan.argv.empty() || plan.argv.front().empty()) return invalid("argv", "empty");
  if (std::any_of(plan.argv.begin(), plan.argv.end(), has_nul)) return invalid("argv", "contains a NUL byte");
  if (std::any_of(plan.environment.begin(), plan.environment.end(), has_nul))
    return invalid("environment", "contains a NUL byte");
  if (plan.working_directory.empty() || plan.working_directory.front() != '/' || has_nul(plan.working_directory))
    return invalid("working_directory", "not an absolute path");
  if (plan.groups.size() > kMaxGroups) return invalid("groups", "more than 65536");
  if (plan.seccomp.size() > kMaxInstructions) return invalid("seccomp", "more than 4096 instructions");
  if (plan.oom_score_adj < -1000 || plan.oom_score_adj > 1000) return invalid("oom_score_adj", "not in -1000..1000");
  for (const ResourceLimit& limit : plan.resource_limits) {
    if (limit.resource >= kResourceLimitCount) return invalid("resource_limits", "unknown resource");
    if (limit.soft > limit.hard) return invalid("resource_limits", "soft limit above the hard one");
  }
  return kOk;
}

}  // namespace cella::runtime
