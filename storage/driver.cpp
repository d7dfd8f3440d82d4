#include "storage/driver.h"

#include <sys/statvfs.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"
#include "storage/btrfs_driver.h"
#include "storage/dir_driver.h"
#include "storage/overlay_driver.h"
#include "storage/plain_pool.h"
#include "storage/project_quota.h"

namespace cella::storage {

std::unique_ptr<Driver> make_driver(const PoolSpec& spec, const DriverOptions& options) {
  switch (spec.driver) {
    case DriverType::kOverlay:
      return std::make_unique<OverlayDriver>(spec, options);
    case DriverType::kBtrfs:
      return std::make_unique<BtrfsDriver>(spec);
    case DriverType::kDir:
      return std::make_unique<DirDriver>(spec);
  }
  return nullptr;
}

Result<DirFd> open_own_directory(const PoolSpec& spec, const VolumeId& volume) {
  TRY(check_volume_name(volume));
  Result<DirFd> directory = open_dir(pool_directory(spec) + "/" + place_of(volume).path());
  if (!directory.ok() && directory.error().kind() == ErrorKind::kNotFound)
    return Error(ErrorKind::kNotFound, volume_text(volume) + " in storage pool \"" + spec.name + "\": not found");
  return directory;
}

Result<DirFd> open_volume_directory(const PoolSpec& spec, const VolumeId& volume) {
  Result<DirFd> directory = open_own_directory(spec, volume);
  // An overlay root shows its image's metadata. The link is ours, a plain name beside "../../images".
  if (directory.ok() && exists_at(*directory, "upper") && !exists_at(*directory, "metadata.yaml")) {
    char image[256];
    const ssize_t count = ::readlinkat(directory->get(), "image", image, sizeof image - 1);
    if (count > 0)
      return open_volume_directory(spec, {VolumeKind::kImage, std::string(image, static_cast<std::size_t>(count))});
  }
  return directory;
}

Result<std::vector<std::string>> list_volumes(const PoolSpec& spec, VolumeKind kind) {
  return list_volume_names(TRY(open_dir(pool_directory(spec))), kind);
}

Result<bool> volume_exists(const PoolSpec& spec, const VolumeId& volume) {
  TRY(check_volume_name(volume));
  return path_exists(pool_directory(spec) + "/" + place_of(volume).path());
}

bool has_quotas(const PoolSpec& spec) {
  if (spec.driver == DriverType::kBtrfs) return true;
  const Result<DirFd> directory = open_dir(pool_directory(spec));
  return directory.ok() && has_project_quotas(*directory);
}

Result<PoolSpace> pool_space(const PoolSpec& spec) {
  const std::string directory = pool_directory(spec);
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) != 0) return errno_error(errno, "statvfs " + directory);
  const std::uint64_t block = status.f_frsize;
  return PoolSpace{Bytes{(status.f_blocks - status.f_bfree) * block}, Bytes{status.f_blocks * block},
                   status.f_files - status.f_ffree, status.f_files};
}

}  // namespace cella::storage
