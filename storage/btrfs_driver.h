// Driver "btrfs": every volume is a subvolume, a root is a snapshot of its image. The one driver with quotas, and with
// roots that hold another overlay (Docker).
#pragma once

#include <atomic>

#include "storage/driver.h"
#include "storage/plain_pool.h"

namespace cella::storage {

class BtrfsDriver final : public Driver {
 public:
  explicit BtrfsDriver(PoolSpec spec) : pool_(std::move(spec)) {}
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
  PlainPool pool_;
};

}  // namespace cella::storage
