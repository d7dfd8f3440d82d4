// Copies of an overlay pool's roots and snapshots. What the source has of its own becomes a layer that both stand on,
// so a copy costs the same whatever its size; only a source that is being written to is copied file by file.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "storage/layer_store.h"
#include "storage/overlay_mounter.h"
#include "storage/plain_pool.h"

namespace cella::storage {

// The image a volume stands on; empty when it stands on none.
Result<std::string> image_of(const Fd& volume);
// Makes an empty directory a root over an image. model: the image's root directory.
Result<void> stage_over_image(const Fd& volume, const std::string& image, const Fd& model);

// Whether a volume's upper directory is mounted somewhere, told by the kernel. Thread-safe.
class IdlenessProbe {
 public:
  // False too where the pool's file system cannot tell.
  Result<bool> is_idle(const std::shared_ptr<PoolTree>& tree, OverlayMounter& mounter, const Fd& volume);

 private:
  std::mutex mutex_;
  std::optional<bool> can_tell_;
};

// For one copy. What it is given outlives it; the caller holds off others from both volumes.
class LayeredCopy {
 public:
  LayeredCopy(std::shared_ptr<PoolTree> tree, LayerStore& layers, OverlayMounter& mounter, IdlenessProbe& idleness)
      : tree_(std::move(tree)), layers_(layers), mounter_(mounter), idleness_(idleness) {}

  // `to` does not exist. Durable when it returns.
  Result<void> copy(const VolumeId& from, const VolumeId& to, const Watch& watch);

 private:
  Result<bool> settle(const VolumeId& from, const Fd& source, const Watch& watch);
  Result<void> shorten(const Fd& source, const Watch& watch);
  Result<void> merge(const Fd& source, const LayerNames& list, const MergePlan& plan, const Watch& watch);
  Result<void> fill(const Fd& source, const Fd& target, const Watch& watch);
  Result<void> publish(StagedVolume& staged, const VolumeId& to, const LayerNames& list);

  std::shared_ptr<PoolTree> tree_;
  LayerStore& layers_;
  OverlayMounter& mounter_;
  IdlenessProbe& idleness_;
};

}  // namespace cella::storage
