// Driver "dir": volumes are plain trees, roots are full copies (blocks shared where the file system can).
#pragma once

#include "storage/driver.h"
#include "storage/plain_pool.h"

namespace cella::storage {

class DirDriver final : public Driver {
 public:
  explicit DirDriver(PoolSpec spec) : pool_(std::move(spec)) {}
  Result<void> create() override { return pool_.create(); }
  Result<void> mount() override { return pool_.mount(); }
  Result<void> unmount() override { return pool_.unmount(); }
  Result<void> destroy() override { return pool_.destroy(); }
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
