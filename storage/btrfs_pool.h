// Where a btrfs pool's file system comes from: a directory on btrfs, a block device, or a loop file of its own.
#pragma once

#include "base/rollback.h"
#include "storage/volume.h"

namespace cella::storage {

enum class BtrfsSource : std::uint8_t { kDirectory, kDevice, kLoopFile };

// By what the source is; a path that does not exist yet is a loop file to be made. Errors: kInvalid for anything else.
Result<BtrfsSource> btrfs_source(const PoolSpec& spec);

// The size of a loop file when none is given: 20 % of the free space around it, at least 5 GiB, at most 30 GiB.
Bytes default_loop_size(Bytes free);

// Makes the file system: loop file of spec.size and mkfs, mkfs on a device, or a check that the directory is on btrfs
// and empty. What it makes is undone by the rollback. Errors: kInvalid (size below 115 MiB, directory not on btrfs,
// device that holds something), kNoSpace, kNotFound for mkfs.btrfs.
Result<void> create_btrfs(const PoolSpec& spec, Rollback& rollback);

// Mounts the pool on spec.directory in this mount namespace, unless it is mounted there; nothing to do for a directory.
// The loop device that already backs the file is used again: two would be two caches of one file system.
Result<void> mount_btrfs(const PoolSpec& spec);
Result<void> unmount_btrfs(const PoolSpec& spec);

// Makes the loop file of a mounted pool, and the file system in it, larger.
// Errors: kInvalid for a smaller size, or for a pool that is not in a loop file; kNoSpace.
// Source: BTRFS_IOC_RESIZE, LOOP_SET_CAPACITY.
Result<void> grow_btrfs(const PoolSpec& spec, Bytes size);

// Removes the loop file, or nothing.
Result<void> destroy_btrfs(const PoolSpec& spec);

}  // namespace cella::storage
