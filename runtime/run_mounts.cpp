#include "runtime/run_mounts.h"

#include <sys/stat.h>
#include <cerrno>

#include "base/syscalls.h"
#include "namespaces/idmapped_tree.h"
#include "runtime/dev_filesystem.h"
#include "runtime/run_overlay.h"

namespace cella::runtime {
namespace {

using namespaces::copy_tree;
using namespaces::MountAction;
using namespaces::MountStep;

constexpr std::uint64_t kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
constexpr std::uint32_t kTtyGroup = 5;

bool is_directory(const Fd& fd) {
  struct stat status {};
  return ::fstat(fd.get(), &status) == 0 && S_ISDIR(status.st_mode);
}

HostId root_user(const RunOptions& options) { return *options.id_map.user_to_host(ContainerId{0}); }
HostId root_group(const RunOptions& options) { return *options.id_map.group_to_host(ContainerId{0}); }

Result<Fd> make_root(const RunOptions& options, const RunSources& sources, const Fd& user_namespace) {
  const std::string object = "--rootfs " + options.rootfs;
  if (options.root == RunRoot::kOverlay) {
    const ThrowAwayOverlay wanted{.root_user = root_user(options), .root_group = root_group(options)};
    return make_throw_away_overlay(sources.rootfs, user_namespace, wanted, object);
  }
  const std::uint64_t attributes = options.root == RunRoot::kReadOnly ? MOUNT_ATTR_RDONLY : 0;
  return copy_tree(sources.rootfs, {.user_namespace = &user_namespace, .attributes = attributes}, object);
}

Result<Fd> make_dev(const RunOptions& options) {
  const HostId user = root_user(options);
  const HostId group = root_group(options);
  return make_dev_filesystem({.nodes = standard_device_nodes(user, group), .root_user = user, .root_group = group});
}

// Without a network namespace of its own the container may not mount sysfs, so it sees the host's, read-only.
Result<Fd> copy_host_sysfs() {
  const Fd sys = TRY(open_path("/sys", O_PATH | O_DIRECTORY));
  return copy_tree(sys, {.attributes = MOUNT_ATTR_RDONLY | kQuiet}, "/sys");
}

Result<Fd> make_bind(const RunBind& bind, const Fd& source) {
  const std::uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (bind.read_only ? MOUNT_ATTR_RDONLY : 0u);
  return copy_tree(source, {.attributes = attributes, .depth = namespaces::TreeDepth::kRecursive},
                   "--bind " + bind.source);
}

}  // namespace

Result<RunSources> open_run_sources(const RunOptions& options) {
  RunSources sources;
  sources.rootfs = TRY_CONTEXT("--rootfs", open_path(options.rootfs, O_PATH));
  if (!is_directory(sources.rootfs)) return invalid_value("--rootfs", options.rootfs, "not a directory");
  for (const RunBind& bind : options.binds)
    sources.binds.push_back(TRY_CONTEXT("--bind", open_path(bind.source, O_PATH)));
  return sources;
}

namespaces::MountPlan plan_run_mounts(const RunOptions& options, const RunSources& sources, DescriptorIndex first) {
  const bool host_network = options.network == RunNetwork::kHost;
  namespaces::MountChoices choices{
      .root_descriptor = first, .root_switch = namespaces::RootSwitch::kPivot, .dev_descriptor = first + 1};
  if (!options.id_map.group_to_host(ContainerId{kTtyGroup})) choices.tty_group = namespaces::kNoTtyGroup;
  DescriptorIndex next = first + 2;
  if (host_network) {
    choices.sysfs = namespaces::SysfsSource::kDescriptor;
    choices.sysfs_descriptor = next++;
  }
  namespaces::MountPlan plan = namespaces::plan_mounts(choices);
  // Without a console what is written to it goes nowhere, instead of filling a file.
  if (!options.wants_terminal) plan.steps.push_back({.action = MountAction::kMaskFile, .target = "dev/console"});
  for (std::size_t index = 0; index < options.binds.size(); ++index)
    plan.steps.push_back({.action = MountAction::kAttach,
                          .target = options.binds[index].target,
                          .descriptor = next++,
                          .missing = is_directory(sources.binds[index]) ? namespaces::MissingTarget::kMakeDirectory
                                                                        : namespaces::MissingTarget::kMakeFile,
                          .links = namespaces::TargetLinks::kFollow});
  return plan;
}

Result<std::vector<Fd>> make_run_mounts(const RunOptions& options, const RunSources& sources,
                                        const Fd& user_namespace) {
  std::vector<Fd> mounts;
  mounts.push_back(TRY(make_root(options, sources, user_namespace)));
  mounts.push_back(TRY(make_dev(options)));
  if (options.network == RunNetwork::kHost) mounts.push_back(TRY(copy_host_sysfs()));
  for (std::size_t index = 0; index < options.binds.size(); ++index)
    mounts.push_back(TRY(make_bind(options.binds[index], sources.binds[index])));
  return mounts;
}

}  // namespace cella::runtime
