#include "runtime/plan.h"

#include <linux/sched.h>
#include <cstring>

namespace cella::runtime {
namespace {

using namespaces::MountAction;
using namespaces::MountStep;

constexpr std::array<std::string_view, kLaunchStepCount> kStepNames = {
    "clone",
    "id_map",
    "late_mounts",
    "resource_limits",
    "oom_score",
    "host_network",
    "go",
    "child_died",
    "ids",
    "filesystems",
    "root",
    "mounts",
    "sysctls",
    "console",
    "hostname",
    "inner_network",
    "keyring",
    "streams",
    "working_directory",
    "capabilities",
    "seccomp",
    "descriptors",
    "execute",
};
static_assert(!kStepNames.back().empty());

std::string describe_mount(const MountStep& step) {
  switch (step.action) {
    case MountAction::kAttach:
      return "attach /" + step.target;
    case MountAction::kFilesystem:
      return "mount " + step.type + " on /" + step.target;
    case MountAction::kMaskFile:
    case MountAction::kMaskDirectory:
      return "mask /" + step.target;
    case MountAction::kReadOnly:
      return "make /" + step.target + " read-only";
    case MountAction::kDirectory:
      return "make directory /" + step.target;
    case MountAction::kFile:
      return "make file /" + step.target;
    case MountAction::kSymlink:
      return "make link /" + step.target;
  }
  return {};
}

// What of the plan the step worked on; empty when the step has no object.
std::string describe_object(const LaunchPlan& plan, const LaunchFailure& failure) {
  const std::size_t index = failure.index;
  switch (failure.step) {
    case LaunchStep::kFilesystems:
    case LaunchStep::kMounts:
      return index < plan.mounts.steps.size() ? describe_mount(plan.mounts.steps[index]) : std::string();
    case LaunchStep::kSysctls:
      return index < plan.sysctls.size() ? plan.sysctls[index].name : std::string();
    case LaunchStep::kResourceLimits:
      return "resource " + std::to_string(index);
    case LaunchStep::kHostNetwork:
    case LaunchStep::kInnerNetwork:
      return "message " + std::to_string(index);
    case LaunchStep::kHostname:
      return plan.hostname;
    case LaunchStep::kWorkingDirectory:
      return plan.working_directory;
    case LaunchStep::kExecute:
      return plan.executable.empty() ? plan.argv.at(0) : plan.executable;
    case LaunchStep::kClone:
    case LaunchStep::kIdMap:
    case LaunchStep::kLateMounts:
    case LaunchStep::kOomScore:
    case LaunchStep::kGo:
    case LaunchStep::kChildDied:
    case LaunchStep::kIds:
    case LaunchStep::kRoot:
    case LaunchStep::kConsole:
    case LaunchStep::kKeyring:
    case LaunchStep::kStreams:
    case LaunchStep::kCapabilities:
    case LaunchStep::kSeccomp:
    case LaunchStep::kDescriptors:
      break;
  }
  return {};
}

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

Result<void> check_text(std::string_view field, const std::string& text) {
  if (has_nul(text)) return Error(ErrorKind::kInvalid, "launch plan: " + std::string(field) + " contains a NUL byte");
  return kOk;
}

Result<void> check_index(std::string_view field, DescriptorIndex index, std::size_t count) {
  if (index >= 0 && static_cast<std::size_t>(index) < count) return kOk;
  return Error(ErrorKind::kInvalid, "launch plan: " + std::string(field) + ": no descriptor " + std::to_string(index));
}

bool climbs(const std::string& path) {
  std::size_t begin = 0;
  while (begin <= path.size()) {
    std::size_t end = path.find('/', begin);
    if (end == std::string::npos) end = path.size();
    if (path.compare(begin, end - begin, "..") == 0) return true;
    begin = end + 1;
  }
  return false;
}

Result<void> check_mounts(const namespaces::MountPlan& mounts, std::size_t descriptor_count) {
  TRY(check_index("root", mounts.root_descriptor, descriptor_count));
  std::size_t filesystems = 0;
  for (const MountStep& step : mounts.steps) {
    TRY(check_text("mount target", step.target));
    if (step.target.empty() || climbs(step.target))
      return invalid_value("mount target", step.target, "not a path inside the root");
    if (step.action == MountAction::kAttach)
      TRY(check_index("mount " + step.target, step.descriptor, descriptor_count));
    if (step.action == MountAction::kFilesystem) ++filesystems;
  }
  if (filesystems > namespaces::kMaxFilesystems)
    return Error(ErrorKind::kInvalid, "launch plan: " + std::to_string(filesystems) + " new file systems are too many");
  return kOk;
}

Result<void> check_program(const LaunchPlan& plan, std::size_t descriptor_count) {
  if (plan.argv.empty() || plan.argv[0].empty()) return Error(ErrorKind::kInvalid, "launch plan: no program");
  for (const std::string& argument : plan.argv) TRY(check_text("argument", argument));
  for (const std::string& variable : plan.environment) TRY(check_text("environment", variable));
  TRY(check_text("executable", plan.executable));
  TRY(check_text("working directory", plan.working_directory));
  if (plan.standard_streams == StandardStreams::kDescriptors)
    for (const DescriptorIndex stream : plan.streams) TRY(check_index("standard stream", stream, descriptor_count));
  return kOk;
}

}  // namespace

std::string_view launch_step_name(LaunchStep step) {
  const auto index = static_cast<std::size_t>(step);
  return index < kStepNames.size() ? kStepNames[index] : std::string_view("unknown");
}

Error launch_error(const LaunchPlan& plan, const LaunchFailure& failure) {
  std::string what = "launch: " + std::string(launch_step_name(failure.step));
  const std::string object = describe_object(plan, failure);
  if (!object.empty()) what += ": " + object;
  if (failure.step == LaunchStep::kChildDied)
    what += ": the first process was killed before it had started the program";
  return errno_error(failure.errno_value, std::move(what));
}

Result<void> check_launch_plan(const LaunchPlan& plan, std::size_t descriptor_count) {
  constexpr std::uint64_t kRequired = CLONE_NEWUSER | CLONE_NEWNS;
  if ((plan.namespaces & kRequired) != kRequired)
    return Error(ErrorKind::kInvalid, "launch plan: a user and a mount namespace are required");
  if (plan.uid_map.empty() || plan.gid_map.empty()) return Error(ErrorKind::kInvalid, "launch plan: no id map");
  if (plan.cgroup != kNoDescriptor) TRY(check_index("cgroup", plan.cgroup, descriptor_count));
  TRY(check_mounts(plan.mounts, descriptor_count));
  TRY(check_program(plan, descriptor_count));
  TRY(check_text("hostname", plan.hostname));
  for (const Sysctl& sysctl : plan.sysctls)
    if (climbs(sysctl.name) || has_nul(sysctl.name) || sysctl.name.starts_with('/'))
      return invalid_value("sysctl", sysctl.name, "not a name below /proc/sys");
  for (const std::uint32_t offset : plan.host_batch.pid_offsets)
    if (offset + sizeof(std::uint32_t) > plan.host_batch.bytes.size())
      return Error(ErrorKind::kInvalid, "launch plan: pid offset " + std::to_string(offset) + " outside the batch");
  return kOk;
}

}  // namespace cella::runtime
