// btrfs subvolumes and quota groups by ioctl: no btrfs program is run for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/units.h"

namespace cella::storage {

// Whether a file is on btrfs (fstatfs magic).
Result<bool> is_on_btrfs(const Fd& file);
// Whether a directory is the root of a subvolume (inode 256 on btrfs).
bool is_subvolume(const Fd& directory);

// Makes an empty subvolume. Errors: kExists. Source: BTRFS_IOC_SUBVOL_CREATE_V2.
Result<void> create_subvolume(const Fd& parent, const std::string& name);
// Makes a snapshot of the subvolume `source`. Source: BTRFS_IOC_SNAP_CREATE_V2.
Result<void> snapshot_subvolume(const Fd& source, const Fd& parent, const std::string& name);
// Deletes a subvolume that has no subvolumes in it, read-only or not. Source: BTRFS_IOC_SNAP_DESTROY.
Result<void> destroy_subvolume(const Fd& parent, const std::string& name);

enum class SubvolumeAccess : std::uint8_t { kReadWrite, kReadOnly };
Result<void> set_subvolume_access(const Fd& subvolume, SubvolumeAccess access);

Result<std::uint64_t> subvolume_id(const Fd& directory);

// Turns quotas on for the file system and waits for the first count. Harmless when they are on.
Result<void> enable_quotas(const Fd& file_system);
// Limits what a subvolume refers to. nullopt: no limit. Needs quotas. Source: BTRFS_IOC_QGROUP_LIMIT.
Result<void> set_subvolume_limit(const Fd& subvolume, std::optional<Bytes> limit);

struct SubvolumeUsage {
  Bytes referenced;
  Bytes exclusive;
  std::optional<Bytes> limit;
};
// From the quota tree. Errors: kUnsupported when quotas are off.
Result<SubvolumeUsage> subvolume_usage(const Fd& subvolume);

}  // namespace cella::storage
