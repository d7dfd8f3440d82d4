// A pool that is a directory on some file system of the host: what the overlay and dir drivers share.
#pragma once

#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>

#include "storage/pool_tree.h"
#include "storage/volume.h"

namespace cella::storage {

// Where a pool's tree is: `source` when that is a directory of its own, else `directory`.
std::string pool_directory(const PoolSpec& spec);

// An error for a pool that is not up.
Error not_mounted(const PoolSpec& spec);

// Thread-safe.
class PlainPool {
 public:
  explicit PlainPool(PoolSpec spec) : spec_(std::move(spec)) {}

  Result<void> create();
  Result<void> mount(SpecialRemoval special = {});
  Result<void> unmount();
  // Everything in it goes. Errors: kBusy while there are volumes other than images.
  // unlock: called with the directory of each image volume before it is moved away.
  Result<void> destroy(const std::function<Result<void>(const Fd&)>& unlock = {});

  const PoolSpec& spec() const { return spec_; }
  // Shared, so that work in progress keeps it. Errors: kBusy when the pool is not up.
  Result<std::shared_ptr<PoolTree>> tree() const;

 private:
  PoolSpec spec_;
  mutable std::shared_mutex mutex_;
  std::shared_ptr<PoolTree> tree_;
};

// What a volume of a plain pool holds, by the file system's project quotas. Errors: kUnsupported, naming what is missing.
Result<VolumeUsage> plain_usage(const PoolTree& tree, const VolumeId& volume);
// Errors: the same, unless limit is nullopt.
Result<void> set_plain_quota(const PoolTree& tree, const VolumeId& volume, std::optional<Bytes> limit);
// To be called before a volume goes, so that the file system forgets its project.
void drop_plain_quota(const PoolTree& tree, const VolumeId& volume);

// A directory being filled below staging/: goes to the trash unless it is published.
class StagedVolume {
 public:
  // Volumes that are not images count for a project of their own where the file system has such quotas.
  static Result<StagedVolume> make(std::shared_ptr<PoolTree> tree, VolumeKind kind);
  StagedVolume(StagedVolume&&) noexcept = default;
  StagedVolume& operator=(StagedVolume&&) = delete;
  ~StagedVolume();
  const DirFd& directory() const { return directory_; }
  const std::string& name() const { return name_; }
  Result<void> publish(const VolumeId& volume);
  // The same for what is no volume.
  Result<void> publish_at(const Fd& dir, const std::string& name);

 private:
  StagedVolume(std::shared_ptr<PoolTree> tree, std::string name) : tree_(std::move(tree)), name_(std::move(name)) {}
  std::shared_ptr<PoolTree> tree_;
  std::string name_;
  DirFd directory_;
};

}  // namespace cella::storage
