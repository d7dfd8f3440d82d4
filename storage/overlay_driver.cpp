#include "storage/overlay_driver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"
#include "storage/filesystem_mount.h"
#include "storage/image_volume.h"
#include "storage/layered_copy.h"
#include "storage/unpack.h"

namespace cella::storage {
namespace {

constexpr const char* kMountPoint = "mount";

Error exists_error(const VolumeId& volume) {
  return Error(ErrorKind::kExists, volume_text(volume) + " exists already");
}

}  // namespace

Result<void> OverlayDriver::release_images() {
  const auto tree = TRY(pool_.tree());
  const std::lock_guard lock(images_mutex_);
  for (const auto& [image, fd] : images_)
    TRY(detach_mounts(tree->directory() + "/images/" + image + "/" + kMountPoint));
  images_.clear();
  return kOk;
}

Result<void> OverlayDriver::create() {
  const std::unique_lock exclusive(images_in_use_);
  TRY(pool_.create());
  layers_ = TRY(LayerStore::open(*TRY(pool_.tree())));
  return kOk;
}

Result<void> OverlayDriver::mount() {
  const std::unique_lock exclusive(images_in_use_);
  TRY(pool_.mount());
  if (!layers_) layers_ = TRY(LayerStore::open(*TRY(pool_.tree())));
  return kOk;
}

Result<void> OverlayDriver::unmount() {
  const std::unique_lock exclusive(images_in_use_);
  if (pool_.tree().ok()) TRY(release_images());
  layers_.reset();
  return pool_.unmount();
}

Result<void> OverlayDriver::destroy() {
  const std::unique_lock exclusive(images_in_use_);
  TRY(release_images());
  TRY(pool_.destroy());
  layers_.reset();
  return kOk;
}

Result<void> OverlayDriver::create_image(const std::string& name, const ImageFiles& files, const UnpackLimits& limits,
                                         const Watch& watch) {
  const VolumeId volume{VolumeKind::kImage, name};
  TRY(check_volume_name(volume));
  const auto tree = TRY(pool_.tree());
  if (tree->exists(volume)) return exists_error(volume);
  SquashfsUse use =
      options_.squashfs == DriverOptions::Squashfs::kUnpack ? SquashfsUse::kUnpack : SquashfsUse::kKeepFile;
  if (!files.rootfs_path.empty() &&
      TRY(detect_rootfs(TRY(open_path(files.rootfs_path, O_RDONLY)), files.rootfs_path)) == RootfsFormat::kFileSystem &&
      !TRY(squashfs_can_be_mapped(files.rootfs_path)))
    use = SquashfsUse::kUnpack;
  StagedVolume staged = TRY(StagedVolume::make(tree, volume.kind));
  TRY(fill_image_volume(staged.directory(), files, use, limits, watch));
  if (exists_at(staged.directory(), kImageFileName)) TRY(make_dir_at(staged.directory(), kMountPoint, 0700));
  return staged.publish(volume);
}

Result<std::shared_ptr<Fd>> OverlayDriver::open_image(PoolTree& tree, const std::string& image) {
  const std::lock_guard lock(images_mutex_);
  if (const auto found = images_.find(image); found != images_.end()) return found->second;
  const DirFd directory = TRY(tree.open_volume({VolumeKind::kImage, image}));
  std::shared_ptr<Fd> root;
  if (exists_at(directory, kTreeName)) {
    root = std::make_shared<Fd>(TRY(open_at(directory, kTreeName, O_PATH | O_DIRECTORY | O_NOFOLLOW)));
  } else {
    const std::string path = tree.directory() + "/images/" + image;
    const Fd file = TRY(open_at(directory, kImageFileName, O_RDONLY | O_NOFOLLOW));
    const Fd mount = TRY(mount_image_file(file, path + "/" + kImageFileName));
    TRY(attach_mount(mount, path + "/" + kMountPoint));
    root = std::make_shared<Fd>(TRY(open_at(directory, kMountPoint, O_PATH | O_DIRECTORY | O_NOFOLLOW)));
  }
  images_.emplace(image, root);
  return root;
}

Result<void> OverlayDriver::create_volume(const VolumeId& volume, const std::string& image, const Watch&) {
  TRY(check_volume_name(volume));
  const std::shared_lock shared(images_in_use_);
  const auto tree = TRY(pool_.tree());
  if (tree->exists(volume)) return exists_error(volume);
  StagedVolume staged = TRY(StagedVolume::make(tree, volume.kind));
  if (image.empty()) {
    TRY(make_dir_at(staged.directory(), kTreeName, 0755));
  } else {
    TRY(check_volume_name({VolumeKind::kImage, image}));
    TRY(stage_over_image(staged.directory(), image, *TRY(open_image(*tree, image))));
  }
  return staged.publish(volume);
}

Result<void> OverlayDriver::copy(const VolumeId& from, const VolumeId& to, const Watch& watch) {
  TRY(check_volume_name(from));
  TRY(check_volume_name(to));
  if (from.kind == VolumeKind::kImage && to.kind == VolumeKind::kRoot) return create_volume(to, from.name, watch);
  const std::shared_lock shared(images_in_use_);
  const auto tree = TRY(pool_.tree());
  if (tree->exists(to)) return exists_error(to);
  return LayeredCopy(tree, *layers_, mounter_, idleness_).copy(from, to, watch);
}

Result<void> OverlayDriver::rename(const VolumeId& from, const VolumeId& to) {
  TRY(check_volume_name(from));
  TRY(check_volume_name(to));
  return TRY(pool_.tree())->rename(from, to);
}

Result<void> OverlayDriver::remove(const VolumeId& volume) {
  TRY(check_volume_name(volume));
  const auto tree = TRY(pool_.tree());
  if (volume.kind == VolumeKind::kImage) return remove_image(*tree, volume);
  const std::shared_lock shared(images_in_use_);
  if (!tree->exists(volume)) return kOk;
  const LayerNames layers = TRY(read_layer_list(TRY(tree->open_volume(volume))));
  drop_plain_quota(*tree, volume);
  TRY(tree->discard(volume));
  return layers_->release(layers);
}

Result<void> OverlayDriver::remove_image(PoolTree& tree, const VolumeId& volume) {
  const std::unique_lock exclusive(images_in_use_);
  for (const VolumeKind kind : {VolumeKind::kRoot, VolumeKind::kSnapshot})
    for (const std::string& name : TRY(list_volume_names(tree.root(), kind)))
      if (TRY(image_of(TRY(tree.open_volume({kind, name})))) == volume.name)
        return Error(ErrorKind::kBusy, volume_text(volume) + " is in use by " + volume_text({kind, name}));
  {
    const std::lock_guard lock(images_mutex_);
    images_.erase(volume.name);
  }
  TRY(detach_mounts(tree.directory() + "/images/" + volume.name + "/" + kMountPoint));
  return tree.discard(volume);
}

Result<Fd> OverlayDriver::open_root(const VolumeId& volume, const IdMap& map) {
  TRY(check_volume_name(volume));
  const std::shared_lock shared(images_in_use_);
  const auto tree = TRY(pool_.tree());
  if (volume.kind == VolumeKind::kImage)
    return open_mapped_tree(*TRY(open_image(*tree, volume.name)), ".", map, MountAccess::kReadOnly);
  return TRY_CONTEXT(volume_text(volume), open_layers(*tree, volume, map));
}

Result<Fd> OverlayDriver::open_layers(PoolTree& tree, const VolumeId& volume, const IdMap& map) {
  const MountAccess access = is_writable(volume.kind) ? MountAccess::kReadWrite : MountAccess::kReadOnly;
  const DirFd directory = TRY(tree.open_volume(volume));
  if (exists_at(directory, kTreeName)) return open_mapped_tree(directory, kTreeName, map, access);
  const std::optional<HostId> owner = map.user_to_host(ContainerId{0});
  const std::optional<HostId> group = map.group_to_host(ContainerId{0});
  if (!owner || !group) return Error(ErrorKind::kInvalid, "the id map has no root");
  const std::string image = TRY(image_of(directory));
  const LayerNames names = TRY(read_layer_list(directory));
  Fd base;
  if (!image.empty()) {
    const std::shared_ptr<Fd> root = TRY(open_image(tree, image));
    base = TRY_CONTEXT("image " + image, open_mapped_tree(*root, ".", map, MountAccess::kReadOnly));
  }
  Fd layers;
  if (!names.empty()) layers = TRY(open_mapped_tree(layers_->directory(), ".", map, MountAccess::kReadOnly));
  const Fd own = TRY(open_mapped_tree(directory, ".", map, MountAccess::kReadWrite));
  return mounter_.mount({base ? &base : nullptr, layers ? &layers : nullptr, names, own}, *owner, *group, access);
}

Result<VolumeUsage> OverlayDriver::usage(const VolumeId& volume) { return plain_usage(*TRY(pool_.tree()), volume); }

Result<void> OverlayDriver::set_quota(const VolumeId& volume, std::optional<Bytes> limit) {
  return set_plain_quota(*TRY(pool_.tree()), volume, limit);
}

}  // namespace cella::storage
