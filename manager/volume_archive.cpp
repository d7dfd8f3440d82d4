#include "manager/volume_archive.h"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"
#include "storage/driver.h"
#include "storage/unpack.h"

namespace cella::manager {

Result<void> add_volume(Pools& pools, storage::ArchiveWriter& archive, const std::string& name, const VolumeAt& volume,
                        const storage::Watch& watch) {
  const DirFd directory = TRY(open_volume_files(pools, volume));
  TRY(archive.add_directory(name));
  if (exists_at(directory, "metadata.yaml")) {
    TRY(archive.add_text(name + "/metadata.yaml", TRY(read_file_at(directory, "metadata.yaml", 1u << 20))));
  }
  if (exists_at(directory, "templates")) {
    TRY(archive.add_tree(name + "/templates", TRY(open_dir_at(directory, "templates")), watch));
  }
  const Fd mount = TRY(open_volume_tree(pools, volume));
  return archive.add_tree(name + "/rootfs", TRY(open_at(mount, ".", O_RDONLY | O_DIRECTORY)), watch);
}

Result<void> unpack_volume(Pools& pools, const VolumeAt& root, const Fd& archive, const std::string& name,
                           const std::optional<IdMap>& owners, const storage::Watch& watch) {
  const auto pool = TRY(pools.access(root.pool));
  TRY(pool.driver->create_root(root.volume.name, "", watch));
  const DirFd directory = TRY(storage::open_volume_directory(pool.spec, root.volume));
  TRY_CONTEXT(name, storage::unpack_backup_part(archive, name, owners, directory, storage::UnpackLimits{}, watch));
  if (::syncfs(directory.get()) != 0) return errno_error(errno, "syncfs");
  return kOk;
}

}  // namespace cella::manager
