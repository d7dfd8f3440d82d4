#include "runtime/run_cgroup.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <chrono>

#include "cgroups/device_filter.h"
#include "cgroups/limits.h"

namespace cella::runtime {
namespace {

// How long processes that were killed with their init may take to leave.
constexpr std::chrono::milliseconds kPatience{2000};

// The two places where distributions mount it, before /proc/self/mountinfo is read and parsed.
Result<cgroups::Hierarchy> find_hierarchy() {
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    struct statfs status {};
    if (::statfs(path, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC) return cgroups::Hierarchy::open(path);
  }
  return cgroups::Hierarchy::find();
}

cgroups::Limits limits_of(const RunLimits& wanted) {
  cgroups::Limits limits;
  if (wanted.memory) {
    limits.memory_max = wanted.memory;
    // Without this the container would go on in swap.
    limits.swap_max = Bytes{0};
  }
  if (wanted.cpu_quota_us) limits.cpu_max = cgroups::CpuQuota{.quota = std::chrono::microseconds(*wanted.cpu_quota_us)};
  limits.pids_max = wanted.pids;
  return limits;
}

std::string_view option_of(cgroups::Controller controller) {
  if (controller == cgroups::Controller::kMemory) return "--memory";
  return controller == cgroups::Controller::kCpu ? "--cpus" : "--pids";
}

Result<void> enable_controllers(const cgroups::Hierarchy& hierarchy, const cgroups::Limits& limits) {
  const cgroups::ControllerSet needed = cgroups::needed_controllers(limits);
  if (needed.empty()) return kOk;
  const cgroups::ControllerSet available = TRY(hierarchy.available());
  for (const auto controller : {cgroups::Controller::kMemory, cgroups::Controller::kCpu, cgroups::Controller::kPids}) {
    if (!needed.has(controller) || available.has(controller)) continue;
    return Error(ErrorKind::kUnsupported, std::string(option_of(controller)) + ": controller " +
                                              std::string(cgroups::controller_name(controller)) +
                                              " is not available in cgroup v2 at " + hierarchy.path());
  }
  return hierarchy.root().enable_for_children(needed);
}

}  // namespace

Result<RunCgroup> RunCgroup::create(const RunOptions& options) {
  cgroups::Hierarchy hierarchy = TRY(find_hierarchy());
  const cgroups::Limits limits = limits_of(options.limits);
  TRY(enable_controllers(hierarchy, limits));
  const cgroups::Delegation delegation{.owner = *options.id_map.user_to_host(ContainerId{0}),
                                       .group = *options.id_map.group_to_host(ContainerId{0})};
  std::string name = "cella.run." + std::to_string(::getpid());
  cgroups::Cgroup cgroup = TRY(hierarchy.create(name, delegation));
  RunCgroup made(std::move(hierarchy), std::move(cgroup), std::move(name));
  TRY(cgroups::apply_limits(made.cgroup_, {}, limits));
  return made;
}

Result<void> RunCgroup::filter_devices() const {
  const auto filter = TRY_CONTEXT("--devices", cgroups::DeviceFilter::load(cgroups::default_device_rules()));
  return filter.attach(cgroup_);
}

RunCgroup::~RunCgroup() {
  // The container is gone; what cannot be removed now holds nothing and is removed by the next user of the name.
  if (!name_.empty()) (void)hierarchy_.destroy(name_, kPatience);
}

}  // namespace cella::runtime
