#include "storage/dir_driver.h"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"
#include "storage/id_mapped.h"
#include "storage/image_volume.h"
#include "storage/unpack.h"

namespace cella::storage {
namespace {

Error exists_error(const VolumeId& volume) {
  return Error(ErrorKind::kExists, volume_text(volume) + " exists already");
}

}  // namespace

Result<void> DirDriver::create_image(const std::string& name, const ImageFiles& files, const UnpackLimits& limits,
                                     const Watch& watch) {
  const VolumeId volume{VolumeKind::kImage, name};
  TRY(check_volume_name(volume));
  const auto tree = TRY(pool_.tree());
  if (tree->exists(volume)) return exists_error(volume);
  StagedVolume staged = TRY(StagedVolume::make(tree, volume.kind));
  // A squashfs is never mounted as a root here, but roots are copied out of it.
  if (!files.rootfs_path.empty() &&
      TRY(detect_rootfs(TRY(open_path(files.rootfs_path, O_RDONLY)), files.rootfs_path)) == RootfsFormat::kFileSystem)
    TRY(squashfs_can_be_mapped(files.rootfs_path));
  TRY(fill_image_volume(staged.directory(), files, SquashfsUse::kKeepFile, limits, watch));
  return staged.publish(volume);
}

Result<void> DirDriver::create_volume(const VolumeId& volume, const std::string& image, const Watch& watch) {
  if (!image.empty()) return copy({VolumeKind::kImage, image}, volume, watch);
  TRY(check_volume_name(volume));
  const auto tree = TRY(pool_.tree());
  if (tree->exists(volume)) return exists_error(volume);
  StagedVolume staged = TRY(StagedVolume::make(tree, volume.kind));
  TRY(make_dir_at(staged.directory(), kTreeName, 0755));
  return staged.publish(volume);
}

Result<void> DirDriver::copy(const VolumeId& from, const VolumeId& to, const Watch& watch) {
  TRY(check_volume_name(from));
  TRY(check_volume_name(to));
  const auto tree = TRY(pool_.tree());
  if (tree->exists(to)) return exists_error(to);
  const DirFd source = TRY(tree->open_volume(from));
  StagedVolume staged = TRY(StagedVolume::make(tree, to.kind));
  TRY(make_dir_at(staged.directory(), kTreeName, 0755));
  TRY(copy_image_tree(source, TRY(open_dir_at(staged.directory(), kTreeName)), watch));
  TRY(copy_image_metadata(source, staged.directory()));
  // A root that is made from an image can be made again; what is copied from a root exists nowhere else.
  if (from.kind != VolumeKind::kImage && ::syncfs(staged.directory().get()) != 0) return errno_error(errno, "syncfs");
  return staged.publish(to);
}

Result<void> DirDriver::rename(const VolumeId& from, const VolumeId& to) {
  TRY(check_volume_name(from));
  TRY(check_volume_name(to));
  return TRY(pool_.tree())->rename(from, to);
}

Result<void> DirDriver::remove(const VolumeId& volume) {
  TRY(check_volume_name(volume));
  const auto tree = TRY(pool_.tree());
  drop_plain_quota(*tree, volume);
  return tree->discard(volume);
}

Result<Fd> DirDriver::open_root(const VolumeId& volume, const IdMap& map) {
  TRY(check_volume_name(volume));
  const DirFd directory = TRY(TRY(pool_.tree())->open_volume(volume));
  if (!exists_at(directory, kTreeName))
    return Error(ErrorKind::kUnsupported, volume_text(volume) + ": is a squashfs, which driver dir does not mount");
  const MountAccess access = is_writable(volume.kind) ? MountAccess::kReadWrite : MountAccess::kReadOnly;
  return TRY_CONTEXT(volume_text(volume), open_mapped_tree(directory, kTreeName, map, access));
}

Result<VolumeUsage> DirDriver::usage(const VolumeId& volume) { return plain_usage(*TRY(pool_.tree()), volume); }

Result<void> DirDriver::set_quota(const VolumeId& volume, std::optional<Bytes> limit) {
  return set_plain_quota(*TRY(pool_.tree()), volume, limit);
}

}  // namespace cella::storage
