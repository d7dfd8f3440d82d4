#include "manager/container_plan.h"
#include "manager/names.h"

#include <algorithm>
#include <sys/resource.h>

#include "base/syscalls.h"

namespace cella::manager {
namespace {

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<std::string> environment_lines(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables) lines.push_back(name + "=" + value);
  return lines;
}

std::string as_text(const netlink::Bytes& bytes) { return std::string(bytes.begin(), bytes.end()); }

// The keeper's own limit on open files is as high as it can be and would be inherited; systemd and many programs size
// tables by it. These are what systemd gives its services.
void add_default_limits(std::vector<runtime::ResourceLimit>& limits, const ContainerDefaults& defaults) {
  const auto is_nofile = [](const auto& limit) { return limit.resource == RLIMIT_NOFILE; };
  if (std::any_of(limits.begin(), limits.end(), is_nofile)) return;
  limits.push_back({RLIMIT_NOFILE, std::min<std::uint64_t>(1024, defaults.open_files), defaults.open_files});
}

namespaces::MountStep bind_step(const OpenedBind& bind, runtime::DescriptorIndex descriptor) {
  namespaces::MountStep step;
  step.action = namespaces::MountAction::kAttach;
  step.target = bind.path;
  step.descriptor = descriptor;
  step.missing = bind.directory ? namespaces::MissingTarget::kMakeDirectory : namespaces::MissingTarget::kMakeFile;
  step.links = namespaces::TargetLinks::kFollow;
  return step;
}

// A container inside may mount a proc and a sysfs of its own only while such a one is visible in full, without masks.
void add_full_views(namespaces::MountPlan& mounts) {
  for (const auto& [type, target] : {std::pair("proc", "dev/.lxc/proc"), std::pair("sysfs", "dev/.lxc/sys")}) {
    namespaces::MountStep step;
    step.action = namespaces::MountAction::kFilesystem;
    step.target = target;
    step.type = type;
    step.source = type;
    step.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    step.missing = namespaces::MissingTarget::kMakeDirectory;
    mounts.steps.push_back(std::move(step));
  }
}

namespaces::MountPlan plan_tree(const std::vector<OpenedBind>& binds, bool nesting) {
  namespaces::MountChoices choices;
  choices.root_descriptor = kRootDescriptor;
  choices.dev_descriptor = kDevDescriptor;
  namespaces::MountPlan mounts = namespaces::plan_mounts(choices);
  auto descriptor = kFirstBindDescriptor;
  if (nesting) add_full_views(mounts);
  for (const OpenedBind& bind : binds) mounts.steps.push_back(bind_step(bind, descriptor++));
  return mounts;
}

}  // namespace

runtime::LaunchPlan plan_container(const ContainerSpec& spec, const IdMap& map, const LaunchNetwork& network,
                                   const std::vector<OpenedBind>& binds, const ContainerDefaults& defaults) {
  runtime::LaunchPlan plan;
  plan.namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                    CLONE_NEWCGROUP;
  plan.uid_map = map.users_text();
  plan.gid_map = map.groups_text();
  plan.cgroup = kCgroupDescriptor;
  plan.mounts = plan_tree(binds, spec.security.nesting);
  plan.hostname = short_name(spec.name);
  plan.argv = {"/sbin/init"};
  std::map<std::string, std::string> environment{{"PATH", kPath}, {"TERM", "linux"}};
  for (const auto& [name, value] : spec.environment) environment[name] = value;
  environment["container"] = "lxc";  // what systemd and others look for
  plan.environment = environment_lines(environment);
  plan.standard_streams = runtime::StandardStreams::kConsole;
  plan.host_batch.bytes = as_text(network.host_batch);
  for (const auto offset : network.pid_offsets) {
    plan.host_batch.pid_offsets.push_back(static_cast<std::uint32_t>(offset));
  }
  plan.inner_batch.bytes = as_text(network.inner_batch);
  plan.resource_limits = spec.resource_limits;
  add_default_limits(plan.resource_limits, defaults);
  plan.sysctls = spec.sysctls;
  plan.dropped_capabilities = defaults.dropped_capabilities;
  plan.session_keyring = "cella";
  return plan;
}

std::map<std::string, std::string> exec_environment(const ExecRequest& request,
                                                    const std::map<std::string, std::string>& environment) {
  std::map<std::string, std::string> variables{{"PATH", kPath}, {"LANG", "C.UTF-8"}, {"container", "lxc"}};
  if (request.user == 0) {
    variables["HOME"] = "/root";
    variables["USER"] = "root";
  }
  for (const auto& [name, value] : environment) variables[name] = value;
  for (const auto& [name, value] : request.environment) variables[name] = value;
  if (request.terminal) variables.emplace("TERM", "xterm");
  return variables;
}

runtime::ExecPlan plan_exec(const ExecRequest& request, const std::map<std::string, std::string>& environment,
                            const std::vector<runtime::ResourceLimit>& limits, const ContainerDefaults& defaults) {
  runtime::ExecPlan plan;
  plan.argv = request.command;
  plan.environment = environment_lines(exec_environment(request, environment));
  plan.working_directory = request.directory.empty() ? (request.user == 0 ? "/root" : "/") : request.directory;
  plan.user = request.user;
  plan.group = request.group;
  if (request.terminal) {
    plan.terminal = runtime::TerminalSize{static_cast<std::uint16_t>(request.columns > 0 ? request.columns : 80),
                                          static_cast<std::uint16_t>(request.rows > 0 ? request.rows : 25)};
  }
  plan.resource_limits = limits;
  add_default_limits(plan.resource_limits, defaults);
  plan.dropped_capabilities = defaults.dropped_capabilities;
  return plan;
}

}  // namespace cella::manager
