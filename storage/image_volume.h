// Filling an image volume's directory: metadata.yaml, templates/, and either rootfs/ (a tree) or rootfs.squashfs (a
// file to be mounted).
#pragma once

#include <string>

#include "base/fd.h"
#include "storage/volume.h"

namespace cella::storage {

// An erofs has this name too: what it is tells its first block.
inline constexpr const char* kImageFileName = "rootfs.squashfs";
inline constexpr const char* kTreeName = "rootfs";

enum class SquashfsUse : std::uint8_t { kKeepFile, kUnpack };

// directory: an empty directory of ours on the pool. The squashfs file is shared by hard link where that works, else
// copied. Durable when it returns. Errors: as Driver::create_image.
Result<void> fill_image_volume(const Fd& directory, const ImageFiles& files, SquashfsUse squashfs,
                               const UnpackLimits& limits, const Watch& watch);

// Whether the kernel takes id maps on this squashfs (6.1 does not). Mounts it for a moment.
// Errors: kInvalid for a damaged squashfs.
Result<bool> squashfs_can_be_mapped(const std::string& path);

// Copies a volume's root file system onto an existing empty directory: from its tree, or out of its squashfs.
Result<void> copy_image_tree(const Fd& image_directory, const Fd& to, const Watch& watch);
// metadata.yaml and templates/, when there.
Result<void> copy_image_metadata(const Fd& image_directory, const Fd& to);

}  // namespace cella::storage
