// Driver "overlay": a root is a writable layer over its image. Images are trees, or squashfs files that stay mounted.
//   images/FP/       metadata.yaml templates/ and rootfs/, or rootfs.squashfs mounted on mount/
//   volumes/NAME/    upper/ work/, the link "image" naming its image and the list "layers" of what lies between; a root
//                    without image has rootfs/ instead until it is first copied from
//   layers/NAME/     what used to be an upper directory, shared and never changed
#pragma once

#include <map>
#include <shared_mutex>

#include "storage/driver.h"
#include "storage/layer_store.h"
#include "storage/layered_copy.h"
#include "storage/overlay_mounter.h"
#include "storage/plain_pool.h"

namespace cella::storage {

class OverlayDriver final : public Driver {
 public:
  OverlayDriver(PoolSpec spec, const DriverOptions& options)
      : pool_(std::move(spec)), options_(options), mounter_(options.overlay_layers) {}
  Result<void> create() override;
  Result<void> mount() override;
  Result<void> unmount() override;
  Result<void> destroy() override;
  Result<void> create_image(const std::string& name, const ImageFiles& files, const UnpackLimits& limits,
                            const Watch& watch) override;
  Result<void> create_volume(const VolumeId& volume, const std::string& image, const Watch& watch) override;
  Result<void> copy(const VolumeId& from, const VolumeId& to, const Watch& watch) override;
  Result<void> rename(const VolumeId& from, const VolumeId& to) override;
  Result<void> remove(const VolumeId& volume) override;
  Result<Fd> open_root(const VolumeId& volume, const IdMap& map) override;
  Result<VolumeUsage> usage(const VolumeId& volume) override;
  Result<void> set_quota(const VolumeId& volume, std::optional<Bytes> limit) override;

 private:
  // The image's root directory, mounting its squashfs when that is not yet done by this process.
  Result<std::shared_ptr<Fd>> open_image(PoolTree& tree, const std::string& image);
  Result<void> remove_image(PoolTree& tree, const VolumeId& volume);
  Result<void> release_images();
  Result<Fd> open_layers(PoolTree& tree, const VolumeId& volume, const IdMap& map);

  PlainPool pool_;
  DriverOptions options_;
  OverlayMounter mounter_;
  IdlenessProbe idleness_;
  std::unique_ptr<LayerStore> layers_;  // while the pool is up
  // Shared by whoever stands on images and layers, exclusive for taking an image away, and the pool up or down.
  std::shared_mutex images_in_use_;
  std::mutex images_mutex_;
  std::map<std::string, std::shared_ptr<Fd>> images_;
};

}  // namespace cella::storage
