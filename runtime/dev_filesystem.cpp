#include "runtime/dev_filesystem.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <array>
#include <cerrno>

#include "base/rooted.h"
#include "base/syscalls.h"

namespace cella::runtime {
namespace {

struct Link {
  const char* name;
  const char* text;
};
constexpr std::array kLinks = {
    Link{"ptmx", "pts/ptmx"},          Link{"fd", "/proc/self/fd"},       Link{"stdin", "/proc/self/fd/0"},
    Link{"stdout", "/proc/self/fd/1"}, Link{"stderr", "/proc/self/fd/2"}, Link{"core", "/proc/kcore"},
};

Error dev_error(const char* call, const std::string& name) {
  return errno_error(errno, std::string(call) + " /dev/" + name);
}

Result<void> set_string(const Fd& fs, const char* key, const std::string& value) {
  if (sys_fsconfig(fs.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0) return kOk;
  return errno_error(errno, std::string("set tmpfs option ") + key + "=" + value);
}

Result<Fd> make_tmpfs(const DevFilesystem& wanted) {
  Fd fs(sys_fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!fs) return errno_error(errno, "fsopen tmpfs");
  TRY(set_string(fs, "source", "dev"));
  TRY(set_string(fs, "mode", "0755"));
  TRY(set_string(fs, "size", wanted.size));
  TRY(set_string(fs, "uid", std::to_string(wanted.root_user.value)));
  TRY(set_string(fs, "gid", std::to_string(wanted.root_group.value)));
  if (sys_fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return errno_error(errno, "create tmpfs");
  // Not nodev: the nodes must work. The container cannot add any, mknod needs the initial user namespace.
  Fd mount(sys_fsmount(fs.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID));
  if (!mount) return errno_error(errno, "fsmount tmpfs");
  return mount;
}

// chmod after the fact instead of a umask, which is the whole process's.
Result<void> own(const Fd& dev, const std::string& name, unsigned mode, HostId user, HostId group) {
  if (::fchownat(dev.get(), name.c_str(), user.value, group.value, AT_SYMLINK_NOFOLLOW) != 0)
    return dev_error("chown", name);
  if (::fchmodat(dev.get(), name.c_str(), mode, 0) != 0) return dev_error("chmod", name);
  return kOk;
}

Result<void> make_node(const Fd& dev, const DevFilesystem& wanted, const DeviceNode& node) {
  const std::size_t slash = node.path.rfind('/');
  if (slash != std::string::npos) {
    const NewDirectory directory{.mode = 0755, .uid = wanted.root_user.value, .gid = wanted.root_group.value};
    TRY(make_dirs_in_root(dev, node.path.substr(0, slash), directory));
  }
  const mode_t type = node.is_block ? S_IFBLK : S_IFCHR;
  if (::mknodat(dev.get(), node.path.c_str(), type | node.mode, makedev(node.major, node.minor)) != 0)
    return dev_error("mknod", node.path);
  return own(dev, node.path, node.mode, node.user, node.group);
}

Result<void> make_places(const Fd& dev, const DevFilesystem& wanted) {
  for (const char* name : {"pts", "shm", "mqueue"}) {
    if (::mkdirat(dev.get(), name, 0755) != 0) return dev_error("mkdir", name);
    TRY(own(dev, name, 0755, wanted.root_user, wanted.root_group));
  }
  if (::mknodat(dev.get(), "console", S_IFREG | 0600, 0) != 0) return dev_error("mknod", "console");
  TRY(own(dev, "console", 0600, wanted.root_user, wanted.root_group));
  for (const Link& link : kLinks) {
    if (::symlinkat(link.text, dev.get(), link.name) != 0) return dev_error("symlink", link.name);
    if (::fchownat(dev.get(), link.name, wanted.root_user.value, wanted.root_group.value, AT_SYMLINK_NOFOLLOW) != 0)
      return dev_error("chown", link.name);
  }
  return kOk;
}

DeviceNode character_node(std::string path, std::uint32_t major, std::uint32_t minor, HostId user, HostId group) {
  return {.path = std::move(path), .major = major, .minor = minor, .user = user, .group = group};
}

}  // namespace

std::vector<DeviceNode> standard_device_nodes(HostId root_user, HostId root_group) {
  std::vector<DeviceNode> nodes;
  nodes.push_back(character_node("null", 1, 3, root_user, root_group));
  nodes.push_back(character_node("zero", 1, 5, root_user, root_group));
  nodes.push_back(character_node("full", 1, 7, root_user, root_group));
  nodes.push_back(character_node("random", 1, 8, root_user, root_group));
  nodes.push_back(character_node("urandom", 1, 9, root_user, root_group));
  nodes.push_back(character_node("tty", 5, 0, root_user, root_group));
  return nodes;
}

DeviceNode fuse_node(HostId root_user, HostId root_group) {
  return character_node("fuse", 10, 229, root_user, root_group);
}

DeviceNode tun_node(HostId root_user, HostId root_group) {
  return character_node("net/tun", 10, 200, root_user, root_group);
}

Result<Fd> make_dev_filesystem(const DevFilesystem& wanted) {
  Fd dev = TRY(make_tmpfs(wanted));
  for (const DeviceNode& node : wanted.nodes) TRY(make_node(dev, wanted, node));
  TRY(make_places(dev, wanted));
  return dev;
}

}  // namespace cella::runtime
