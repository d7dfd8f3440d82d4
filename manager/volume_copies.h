// Roots and snapshots copied, renamed and opened, within a pool and from one pool to another.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "manager/pools.h"
#include "storage/volume.h"

namespace cella::manager {

struct VolumeAt {
  std::string pool;
  storage::VolumeId volume;
};

VolumeAt root_at(const std::string& pool, const std::string& instance);
VolumeAt snapshot_at(const std::string& pool, const std::string& instance, const std::string& snapshot);
// Where a root is made before it takes its name: no instance can be called so. Swept when the daemon starts.
VolumeAt incoming_at(const std::string& pool, const std::string& instance);
// The same for a root or custom volume, or for the volume of a snapshot.
VolumeAt incoming_for(const VolumeAt& volume);
bool is_incoming(const VolumeAt& volume);

// Makes `to` (a root, a custom volume or a snapshot; it must not exist) an independent copy of `from`. Another pool:
// file by file. A root that is written to meanwhile gives files as they were when they were read.
// Errors: kNotFound, kExists, kNoSpace, kCancelled.
Result<void> copy_volume(Pools& pools, const VolumeAt& from, const VolumeAt& to, const storage::Watch& watch);

// Within one pool; a root or custom volume may become its kind's snapshot and the other way round.
Result<void> rename_volume(Pools& pools, const VolumeAt& from, const storage::VolumeId& to);

// Puts `next` (a root or custom volume) in the place of `present`, which goes. Finishes what an earlier call left half-done.
Result<void> replace_root(Pools& pools, const VolumeAt& next, const VolumeAt& present);

// The volume's files with ids as they are on disk, read-only for snapshots of instances. Not for the root of a running
// container: take a copy.
Result<Fd> open_volume_tree(Pools& pools, const VolumeAt& volume);
// metadata.yaml and templates/ of a volume.
Result<DirFd> open_volume_files(Pools& pools, const VolumeAt& volume);

// Whether copies within the pool show one moment, however long the volume is being written to.
Result<bool> copies_at_once(const Pools& pools, const std::string& pool);

// Removes snapshots and unfinished roots in every pool that `known` does not know. Errors are returned, not fatal.
using VolumeKnown = std::function<bool(const VolumeAt&)>;
Result<void> sweep_volumes(Pools& pools, const VolumeKnown& known);

}  // namespace cella::manager
