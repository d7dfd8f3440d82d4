// A storage pool as its users see it: volumes are made from images and opened as detached, id-mapped mounts. Files on
// disk carry the container's own ids (0-based); no file is ever chowned to suit a map.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/id_map.h"
#include "storage/volume.h"

namespace cella::storage {

// One pool. Thread-safe; work on one volume at a time is the caller's business (a lock per volume name).
// Every change is staged under a temporary name and renamed, so after a crash a volume is whole or absent; what was
// left half-made is swept by mount().
class Driver {
 public:
  virtual ~Driver() = default;

  // Makes the pool on disk (directories, loop file, file system) and leaves it mounted. Nothing stays when it fails.
  // Errors: kInvalid for a source that does not fit, kExists when it is in use, kNoSpace, kUnsupported.
  virtual Result<void> create() = 0;
  // Brings an existing pool up; harmless when it is up. A loop device that already backs the pool's file is used again.
  virtual Result<void> mount() = 0;
  // Takes mounts away that this process made. Volumes in use by containers live on until those end.
  virtual Result<void> unmount() = 0;
  // Deletes the pool with everything in it. Errors: kBusy while there are volumes other than images.
  virtual Result<void> destroy() = 0;

  // Makes an image volume from an image's files, unpacking or copying what cannot be mounted as it is. Durable when it
  // returns. Errors: kExists; kInvalid for a broken or hostile archive (names the member); kNoSpace; kCancelled.
  virtual Result<void> create_image(const std::string& name, const ImageFiles& files, const UnpackLimits& limits,
                                    const Watch& watch) = 0;
  // Makes a root or custom volume as a copy of an image volume. image: empty for an empty tree.
  // Errors: kExists; kNotFound for the image.
  virtual Result<void> create_volume(const VolumeId& volume, const std::string& image, const Watch& watch) = 0;
  Result<void> create_root(const std::string& name, const std::string& image, const Watch& watch) {
    return create_volume({VolumeKind::kRoot, name}, image, watch);
  }
  // Makes `to` (of any kind but image; it must not exist) an independent copy of `from` (any kind).
  virtual Result<void> copy(const VolumeId& from, const VolumeId& to, const Watch& watch) = 0;
  virtual Result<void> rename(const VolumeId& from, const VolumeId& to) = 0;
  // Takes a volume away: its name is free at once, its files go in the background. A missing volume is success.
  // Errors: kBusy for an image volume that root volumes still stand on.
  virtual Result<void> remove(const VolumeId& volume) = 0;

  // The root file system of a volume as a detached mount with the map applied, nodev; image and snapshot volumes
  // read-only. Source: open_tree(2), mount_setattr(2) MOUNT_ATTR_IDMAP.
  virtual Result<Fd> open_root(const VolumeId& volume, const IdMap& map) = 0;

  // Errors: kUnsupported when the driver cannot tell cheaply (the text says why).
  virtual Result<VolumeUsage> usage(const VolumeId& volume) = 0;
  // nullopt: no limit. Errors: kUnsupported with what is missing.
  virtual Result<void> set_quota(const VolumeId& volume, std::optional<Bytes> limit) = 0;
};

// Ways to make tests take the path of an older kernel.
struct DriverOptions {
  enum class OverlayLayers : std::uint8_t { kDetect, kAttached };  // kAttached: string options (6.1)
  enum class Squashfs : std::uint8_t { kDetect, kUnpack };         // kUnpack: squashfs cannot be id-mapped (6.1)
  OverlayLayers overlay_layers = OverlayLayers::kDetect;
  Squashfs squashfs = Squashfs::kDetect;
};

// The driver object for a pool; touches nothing on disk.
std::unique_ptr<Driver> make_driver(const PoolSpec& spec, const DriverOptions& options = {});

// What a pool's volumes have in common, whichever the driver. directory: where the pool's tree is.

// The volume's own directory, holding metadata.yaml and templates/. Errors: kNotFound.
Result<DirFd> open_volume_directory(const PoolSpec& spec, const VolumeId& volume);
// The same, but never its image's in its stead.
Result<DirFd> open_own_directory(const PoolSpec& spec, const VolumeId& volume);
// Names of the volumes of a kind, sorted; snapshots as "VOLUME/SNAPSHOT".
Result<std::vector<std::string>> list_volumes(const PoolSpec& spec, VolumeKind kind);
Result<bool> volume_exists(const PoolSpec& spec, const VolumeId& volume);
// Whether volumes of a pool that is up can be given a size.
bool has_quotas(const PoolSpec& spec);
// Space of the file system below the pool.
Result<PoolSpace> pool_space(const PoolSpec& spec);

}  // namespace cella::storage
