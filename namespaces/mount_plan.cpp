#include "namespaces/mount_plan.h"

#include "base/syscalls.h"

namespace cella::namespaces {
namespace {

constexpr std::uint64_t kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

MountOption option(std::string key, std::string value) { return {.key = std::move(key), .value = std::move(value)}; }

MountStep attach(std::int32_t descriptor, std::string target) {
  return {.action = MountAction::kAttach,
          .target = std::move(target),
          .descriptor = descriptor,
          .missing = MissingTarget::kMakeDirectory};
}

MountStep filesystem(std::string type, std::string target, std::uint64_t attributes,
                     std::vector<MountOption> options = {}) {
  return {.action = MountAction::kFilesystem,
          .target = std::move(target),
          .type = type,
          .source = type,
          .options = std::move(options),
          .attributes = static_cast<std::uint32_t>(attributes),
          .missing = MissingTarget::kMakeDirectory};
}

void add_dev(MountPlan& plan, const MountChoices& choices) {
  plan.steps.push_back(attach(choices.dev_descriptor, "dev"));
  std::vector<MountOption> pts = {option("ptmxmode", "0666"), option("mode", "0620")};
  if (choices.tty_group != kNoTtyGroup) pts.push_back(option("gid", std::to_string(choices.tty_group)));
  plan.steps.push_back(filesystem("devpts", "dev/pts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, std::move(pts)));
  std::vector<MountOption> shm = {option("mode", "1777")};
  if (!choices.shm_size.empty()) shm.push_back(option("size", choices.shm_size));
  plan.steps.push_back(filesystem("tmpfs", "dev/shm", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, std::move(shm)));
  plan.steps.push_back(filesystem("mqueue", "dev/mqueue", kQuiet));
}

void add_kernel_views(MountPlan& plan, const MountChoices& choices) {
  plan.steps.push_back(filesystem("proc", "proc", kQuiet));
  plan.steps.push_back(choices.sysfs == SysfsSource::kNew ? filesystem("sysfs", "sys", kQuiet)
                                                          : attach(choices.sysfs_descriptor, "sys"));
  MountStep cgroup = filesystem("cgroup2", "sys/fs/cgroup", kQuiet);
  cgroup.missing = MissingTarget::kFail;
  plan.steps.push_back(std::move(cgroup));
}

}  // namespace

// What leaks facts about the host, or acts on it, when a kernel forgets the check of the initial user namespace.
const std::vector<std::string>& masked_files() {
  static const std::vector<std::string> paths = {
      "proc/kcore",       "proc/keys",        "proc/latency_stats", "proc/timer_list",
      "proc/timer_stats", "proc/sched_debug", "proc/sysrq-trigger",
  };
  return paths;
}

const std::vector<std::string>& masked_directories() {
  static const std::vector<std::string> paths = {
      "proc/acpi", "proc/asound", "proc/scsi", "sys/firmware", "sys/devices/virtual/powercap",
  };
  return paths;
}

MountPlan plan_mounts(const MountChoices& choices) {
  MountPlan plan;
  plan.root_descriptor = choices.root_descriptor;
  plan.root_switch = choices.root_switch;
  add_dev(plan, choices);
  add_kernel_views(plan, choices);
  for (const std::string& path : masked_files())
    plan.steps.push_back({.action = MountAction::kMaskFile, .target = path});
  for (const std::string& path : masked_directories())
    plan.steps.push_back({.action = MountAction::kMaskDirectory, .target = path});
  return plan;
}

}  // namespace cella::namespaces
