#include "manager/container_devices.h"

#include <algorithm>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/syscalls.h"
#include "manager/custom_volumes.h"
#include "manager/disk_sources.h"
#include "manager/names.h"
#include "storage/id_mapped.h"

namespace cella::manager {
namespace {

Result<HostId> host_id(const std::optional<HostId>& id, const char* key, ContainerId asked) {
  if (!id) return invalid_value(key, std::to_string(asked.value), "is outside of the instance's id map");
  return *id;
}

std::string object(const std::string& device, const std::string& source) { return "device " + device + ": " + source; }

Result<void> set_attributes(const Fd& mount, const BindMount& bind, const IdMap& map) {
  mount_attr attributes{};
  // Device nodes of the host's tree stay closed: a container gets devices as devices only.
  attributes.attr_set = MOUNT_ATTR_NODEV;
  if (bind.read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  Fd user_namespace;
  if (bind.shift) {
    user_namespace = TRY(storage::user_namespace_for(map));
    attributes.attr_set |= MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(user_namespace.get());
  }
  const unsigned flags = AT_EMPTY_PATH | (bind.recursive ? AT_RECURSIVE : 0u);
  if (sys_mount_setattr(mount.get(), "", flags, &attributes) != 0) {
    return errno_error(errno, "mount_setattr " + object(bind.device, bind.source));
  }
  return kOk;
}

bool of_volume(const BindMount& bind) { return !bind.pool.empty(); }
bool of_volume(const UnixNode&) { return false; }

Result<void> check_new_volumes(const CustomVolumes& volumes, const ContainerSpec& next, const ContainerSpec& before) {
  for (const BindMount& bind : next.binds) {
    if (!of_volume(bind) || std::find(before.binds.begin(), before.binds.end(), bind) != before.binds.end()) continue;
    const auto fits = volumes.check_mountable(volumes.key_for(project_of(next.name), bind.pool, bind.source));
    if (fits.ok() || (!bind.required && fits.error().kind() == ErrorKind::kNotFound)) continue;
    return Error(ErrorKind::kInvalid, "device " + bind.device + ": " + fits.error().message());
  }
  return kOk;
}

Result<std::optional<PreparedBind>> prepare_volume(const CustomVolumes& volumes, const VolumeKey& key,
                                                   const BindMount& bind, const IdMap& map) {
  const auto access = bind.read_only ? storage::MountAccess::kReadOnly : storage::MountAccess::kReadWrite;
  auto mount = volumes.open_mount(key, map, access);
  if (!mount.ok()) {
    if (mount.error().kind() == ErrorKind::kNotFound && !bind.required) return std::optional<PreparedBind>();
    return std::move(mount).error().with_context("device " + bind.device);
  }
  return std::optional(PreparedBind{*std::move(mount), {bind.path, true}});
}

Result<void> check_confined(const Config& project, const ContainerSpec& next, const ContainerSpec& before) {
  for (const BindMount& bind : next.binds) {
    if (of_volume(bind) || std::find(before.binds.begin(), before.binds.end(), bind) != before.binds.end()) continue;
    const auto parent = allowed_parent(project, bind.source);
    if (!parent) continue;
    auto opened = open_confined(*parent, bind.source);
    if (!opened.ok() && opened.error().kind() == ErrorKind::kDenied)
      return std::move(opened).error().with_context("device " + bind.device);
  }
  return kOk;
}

// The mount at the source, cloned. What is checked is what is taken: no path is walked twice.
Result<Fd> clone_source(const Config& project, const BindMount& bind) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (bind.recursive ? AT_RECURSIVE : 0u);
  const auto parent = allowed_parent(project, bind.source);
  Fd mount;
  if (parent) {
    const Fd source = TRY_CONTEXT("device " + bind.device, open_confined(*parent, bind.source));
    mount.reset(sys_open_tree(source.get(), "", flags | AT_EMPTY_PATH));
  } else {
    mount.reset(sys_open_tree(AT_FDCWD, bind.source.c_str(), flags));
  }
  if (!mount.valid()) return errno_error(errno, "open_tree " + object(bind.device, bind.source));
  return mount;
}

template <typename Source>
Result<void> check_new_sources(const std::vector<Source>& next, const std::vector<Source>& before) {
  for (const Source& wanted : next) {
    if (!wanted.required || wanted.source.empty() || of_volume(wanted)) continue;
    if (std::find(before.begin(), before.end(), wanted) != before.end()) continue;
    struct stat status {};
    if (::stat(wanted.source.c_str(), &status) != 0)
      return Error(ErrorKind::kInvalid, errno, "Missing source path \"" + wanted.source + "\" for device \"" + wanted.device + "\"");
  }
  return kOk;
}

}  // namespace

Result<void> check_sources(const CustomVolumes& volumes, const Config& project, const ContainerSpec& next,
                           const ContainerSpec* before) {
  static const ContainerSpec kNothing;
  const ContainerSpec& present = before == nullptr ? kNothing : *before;
  TRY(check_new_volumes(volumes, next, present));
  // First: whether something is there is not to be learned about paths that a link leads out to.
  TRY(check_confined(project, next, present));
  TRY(check_new_sources(next.binds, present.binds));
  return check_new_sources(next.nodes, present.nodes);
}

Result<std::optional<PreparedBind>> prepare_bind(const CustomVolumes& volumes, const Config& project,
                                                 const std::string& instance, const BindMount& bind, const IdMap& map) {
  if (of_volume(bind))
    return prepare_volume(volumes, volumes.key_for(project_of(instance), bind.pool, bind.source), bind, map);
  auto mount = clone_source(project, bind);
  if (!mount.ok()) {
    const int error = mount.error().errno_value();
    if ((error == ENOENT || error == ENOTDIR) && !bind.required) return std::optional<PreparedBind>();
    return std::move(mount).error();
  }
  PreparedBind prepared;
  prepared.mount = *std::move(mount);
  struct stat status {};
  if (::fstat(prepared.mount.get(), &status) != 0) return errno_error(errno, "stat " + object(bind.device, bind.source));
  TRY(set_attributes(prepared.mount, bind, map));
  prepared.place = {bind.path, S_ISDIR(status.st_mode)};
  return std::optional(std::move(prepared));
}

Result<std::optional<runtime::DeviceNode>> resolve_node(const UnixNode& node, const IdMap& map) {
  runtime::DeviceNode resolved;
  resolved.path = node.path;
  resolved.is_block = node.block;
  resolved.mode = node.mode;
  if (node.major) {
    resolved.major = *node.major;
    resolved.minor = *node.minor;
  } else {
    struct stat status {};
    if (::stat(node.source.c_str(), &status) != 0) {
      const int error = errno;
      if (error == ENOENT && !node.required) return std::optional<runtime::DeviceNode>();
      return errno_error(error, "stat " + object(node.device, node.source));
    }
    if (!(node.block ? S_ISBLK(status.st_mode) : S_ISCHR(status.st_mode))) {
      return Error(ErrorKind::kInvalid,
                   object(node.device, node.source) + " is no " + (node.block ? "block" : "character") + " device");
    }
    resolved.major = gnu_dev_major(status.st_rdev);
    resolved.minor = gnu_dev_minor(status.st_rdev);
  }
  resolved.user = TRY_CONTEXT("device " + node.device, host_id(map.user_to_host(node.user), "uid", node.user));
  resolved.group = TRY_CONTEXT("device " + node.device, host_id(map.group_to_host(node.group), "gid", node.group));
  return std::optional(std::move(resolved));
}

cgroups::DeviceRule device_rule(const runtime::DeviceNode& node) {
  return {node.is_block ? cgroups::DeviceType::kBlock : cgroups::DeviceType::kChar, node.major, node.minor,
          cgroups::kFullAccess};
}

}  // namespace cella::manager
