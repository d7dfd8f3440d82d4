// The files of custom volumes in storage: a volume's tree, and in a block volume's tree the one file root.img.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"
#include "manager/custom_volume.h"
#include "manager/volume_copies.h"

namespace cella::manager {

inline constexpr const char* kBlockFileName = "root.img";

VolumeAt volume_at(const VolumeKey& key);
VolumeAt volume_snapshot_at(const VolumeKey& key, const std::string& snapshot);
// Where a volume is made before it takes another's place: no volume can be called so.
VolumeAt incoming_volume_at(const VolumeKey& key);

// An empty volume, owned by the container's root, 0711. A block volume gets its file of `size`.
// Errors: kExists, kNoSpace.
Result<void> make_empty_volume(Pools& pools, const VolumeKey& key, VolumeContent content, Bytes size);
// Errors: kInvalid when the file would become smaller.
Result<void> resize_block_file(Pools& pools, const VolumeKey& key, Bytes size);
Result<Bytes> block_file_size(Pools& pools, const VolumeKey& key);

// Bytes that the files below a directory take up, each once. Does not follow links or cross mounts.
Result<Bytes> tree_usage(const Fd& directory);

}  // namespace cella::manager
