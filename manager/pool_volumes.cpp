// The volumes' side of the pools: image volumes made once, and instances' roots.
#include "base/files.h"
#include "manager/events.h"
#include "manager/images.h"
#include "manager/pool_set.h"

namespace cella::manager {
namespace {

using storage::VolumeId;
using storage::VolumeKind;

VolumeId root_volume(const std::string& name) { return {VolumeKind::kRoot, name}; }

}  // namespace

Result<storage::ImageFiles> PoolSet::files_of(const std::string& fingerprint) const {
  storage::ImageFiles files;
  files.metadata_path = wiring_.state_dir + "/images/" + fingerprint;
  if (!path_exists(files.metadata_path)) return Error(ErrorKind::kNotFound, "Image \"" + fingerprint + "\" not found");
  if (path_exists(files.metadata_path + ".rootfs")) files.rootfs_path = files.metadata_path + ".rootfs";
  return files;
}

Result<void> PoolSet::ensure_image_volume(const std::string& pool_name, const std::string& fingerprint,
                                          const storage::Watch& watch) {
  const OpenPool pool = TRY(usable_pool(pool_name));
  const VolumeId volume{VolumeKind::kImage, fingerprint};
  const std::pair key{pool_name, fingerprint};
  std::unique_lock lock(images_mutex_);
  for (;;) {
    if (TRY(storage::volume_exists(pool.spec, volume))) return kOk;
    if (!images_in_work_.contains(key)) break;
    // Whoever is at it may fail; then the next one tries, for an error of its own.
    images_changed_.wait(lock);
  }
  images_in_work_.insert(key);
  lock.unlock();
  Result<storage::ImageFiles> files = files_of(fingerprint);
  Result<void> made = files.ok() ? pool.driver->create_image(fingerprint, *files, storage::UnpackLimits{}, watch)
                                 : Result<void>(files.error());
  lock.lock();
  images_in_work_.erase(key);
  images_changed_.notify_all();
  if (!made.ok()) return std::move(made).error().with_context("image " + fingerprint.substr(0, 12));
  return kOk;
}

void PoolSet::release_unknown_images(const OpenPool& pool) {
  ImageKnown known;
  {
    const std::lock_guard lock(mutex_);
    known = image_known_;
  }
  const auto images = storage::list_volumes(pool.spec, VolumeKind::kImage);
  if (!known || !images.ok()) return;
  for (const std::string& image : *images) {
    if (known(image)) continue;
    const Result<void> removed = pool.driver->remove({VolumeKind::kImage, image});
    // kBusy: the last root that stands on it takes it along.
    if (!removed.ok() && removed.error().kind() != ErrorKind::kBusy)
      wiring_.events.log(
          {"warn", "cannot remove image volume: " + removed.error().message(), {{"pool", pool.record.name}}});
  }
}

void PoolSet::release_image(const std::string& fingerprint) {
  std::vector<OpenPool> pools;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, pool] : pools_)
      if (pool.available) pools.push_back(pool);
  }
  for (const OpenPool& pool : pools) {
    const Result<void> removed = pool.driver->remove({VolumeKind::kImage, fingerprint});
    if (!removed.ok() && removed.error().kind() != ErrorKind::kBusy)
      wiring_.events.log(
          {"warn", "cannot remove image volume: " + removed.error().message(), {{"pool", pool.record.name}}});
  }
}

Result<void> PoolSet::create_root(const std::string& pool_name, const std::string& volume,
                                  const std::string& fingerprint, const storage::Watch& watch) {
  if (!fingerprint.empty()) TRY(ensure_image_volume(pool_name, fingerprint, watch));
  const OpenPool pool = TRY(usable_pool(pool_name));
  TRY(pool.driver->create_root(volume, fingerprint, watch));
  const auto size = pool.record.config.find("volume.size");
  if (size == pool.record.config.end()) return kOk;
  const Result<void> limited =
      pool.driver->set_quota(root_volume(volume), TRY(parse_size("volume.size", size->second)));
  if (!limited.ok()) static_cast<void>(pool.driver->remove(root_volume(volume)));
  return limited;
}

Result<Fd> PoolSet::open_root(const std::string& pool, const std::string& volume, const IdMap& map) {
  return TRY(usable_pool(pool)).driver->open_root(root_volume(volume), map);
}

Result<DirFd> PoolSet::open_directory(const std::string& pool, const std::string& volume) {
  return storage::open_volume_directory(TRY(usable_pool(pool)).spec, root_volume(volume));
}

Result<std::optional<ImageMetadata>> PoolSet::metadata(const std::string& pool, const std::string& volume) {
  const DirFd directory = TRY(open_directory(pool, volume));
  if (!exists_at(directory, "metadata.yaml")) return std::optional<ImageMetadata>();
  const std::string text = TRY(read_file_at(directory, "metadata.yaml", 1u << 20));
  return std::optional(TRY_CONTEXT("instance \"" + volume + "\"", parse_image_metadata(text)));
}

Result<void> PoolSet::rename_root(const std::string& pool, const std::string& from, const std::string& to) {
  return TRY(usable_pool(pool)).driver->rename(root_volume(from), root_volume(to));
}

Result<void> PoolSet::remove_root(const std::string& pool, const std::string& volume) {
  return remove_volume(pool, root_volume(volume));
}

Result<void> PoolSet::remove_volume(const std::string& pool_name, const VolumeId& volume) {
  const OpenPool pool = TRY(usable_pool(pool_name));
  TRY(pool.driver->remove(volume));
  release_unknown_images(pool);
  return kOk;
}

Result<PoolAccess> PoolSet::access(const std::string& name) const {
  OpenPool pool = TRY(usable_pool(name));
  return PoolAccess{std::move(pool.spec), std::move(pool.driver)};
}

Result<void> PoolSet::copy_root(const std::string& pool, const std::string& from, const std::string& to,
                                const storage::Watch& watch) {
  return TRY(usable_pool(pool)).driver->copy(root_volume(from), root_volume(to), watch);
}

Result<void> PoolSet::set_root_quota(const std::string& pool, const std::string& volume, std::optional<Bytes> size) {
  return TRY(usable_pool(pool)).driver->set_quota(root_volume(volume), size);
}

Result<PoolVolumeUsage> PoolSet::root_usage(const std::string& pool, const std::string& volume) {
  const storage::VolumeUsage usage = TRY(TRY(usable_pool(pool)).driver->usage(root_volume(volume)));
  return PoolVolumeUsage{static_cast<std::int64_t>(usage.used.value),
                         usage.total ? static_cast<std::int64_t>(usage.total->value) : 0};
}

}  // namespace cella::manager
