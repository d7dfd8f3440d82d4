// A container's /dev: a fresh tmpfs of the host with real device nodes that belong to the container's root. Needs no
// namespace, so it can be made ahead; the container can neither make nodes in it nor resize it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/units.h"

namespace cella::runtime {

struct DeviceNode {
  std::string path;  // relative to /dev, for example "net/tun"; missing directories are made
  bool is_block = false;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t mode = 0666;  // permission bits
  HostId user;
  HostId group;
};

// The nodes of every container: null zero full random urandom tty, mode 0666, owned by the given ids.
std::vector<DeviceNode> standard_device_nodes(HostId root_user, HostId root_group);
DeviceNode fuse_node(HostId root_user, HostId root_group);
DeviceNode tun_node(HostId root_user, HostId root_group);

struct DevFilesystem {
  std::vector<DeviceNode> nodes;
  HostId root_user;  // owner of the directories and links
  HostId root_group;
  std::string size = "512k";  // of the tmpfs
};

// Makes the tmpfs, detached: nodes, the directories pts, shm and mqueue, an empty file console, and the links
// ptmx fd stdin stdout stderr core. The result is attached with MountAction::kAttach at "dev".
// Errors: kInvalid for a bad path, kIo naming the call.
Result<Fd> make_dev_filesystem(const DevFilesystem& wanted);

}  // namespace cella::runtime
