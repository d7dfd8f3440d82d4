// Volumes as parts of archives: for backups, and on the way to another server.
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/id_map.h"
#include "base/result.h"
#include "manager/pools.h"
#include "manager/volume_copies.h"
#include "storage/archive_writer.h"

namespace cella::manager {

// Adds metadata.yaml, templates/ and rootfs/ of a root or snapshot below `name`. Not for the root of a running
// container: take a copy. Errors: kNoSpace, kCancelled, kIo naming the file.
Result<void> add_volume(Pools& pools, storage::ArchiveWriter& archive, const std::string& name, const VolumeAt& volume,
                        const storage::Watch& watch);

// Makes a root, which must not exist, out of what is below `name` in the archive: a file, or a pipe that gives it once.
// owners: see storage::unpack_backup_part(). What was made stays when it fails. Errors: see storage/unpack.h.
Result<void> unpack_volume(Pools& pools, const VolumeAt& root, const Fd& archive, const std::string& name,
                           const std::optional<IdMap>& owners, const storage::Watch& watch);

}  // namespace cella::manager
