// File systems on files and devices as detached mounts, with the new mount API.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "storage/volume.h"

namespace cella::storage {

// An image file (squashfs or erofs, told by its magic) as a detached, read-only mount: erofs straight from
// the file where the kernel can (6.12), else through a loop device. name: for error texts.
// Errors: kInvalid for a file that is neither or that the kernel refuses to mount.
Result<Fd> mount_image_file(const Fd& file, const std::string& name);

// A btrfs on a block device as a detached mount. options: comma separated key[=value].
Result<Fd> mount_btrfs_device(const std::string& device, const std::string& options);

// Attaches a detached mount to a directory of this mount namespace.
Result<void> attach_mount(const Fd& mount, const std::string& directory);

// Detaches everything mounted on a directory by this mount namespace; fine when there is nothing.
Result<void> detach_mounts(const std::string& directory);

// Whether the directory is the root of a mount (statx STATX_ATTR_MOUNT_ROOT).
Result<bool> is_mount_root(const Fd& directory);

// Text of the kernel's own explanation on a file-system context, "" when it gave none.
std::string context_message(const Fd& context);

}  // namespace cella::storage
