#include "storage/overlay_driver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"
#include "storage/file_attributes.h"
#include "storage/filesystem_mount.h"
#include "storage/image_volume.h"
#include "storage/tree_copy.h"
#include "storage/unpack.h"

namespace cella::storage {
namespace {

constexpr const char* kImageLink = "image";
constexpr const char* kMountPoint = "mount";

Error exists_error(const VolumeId& volume) {
  return Error(ErrorKind::kExists, volume_text(volume) + " exists already");
}

// The image a volume stands on; empty when it stands on none.
Result<std::string> image_of(const Fd& directory) {
  std::string name(256, '\0');
  const ssize_t count = ::readlinkat(directory.get(), kImageLink, name.data(), name.size());
  if (count < 0 && errno == ENOENT) return std::string();
  if (count < 0) return errno_error(errno, "readlink image");
  name.resize(static_cast<std::size_t>(count));
  return name;
}

Result<void> copy_owner_and_mode(const Fd& model, const Fd& parent, const char* name) {
  struct stat status {};
  if (::fstat(model.get(), &status) != 0) return errno_error(errno, "stat image root");
  if (status.st_uid == 0 && status.st_gid == 0 && (status.st_mode & 07777) == 0755) return kOk;
  return set_owner_mode_times(TRY(open_at(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW)), status);
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

Result<void> OverlayDriver::unmount() {
  const std::unique_lock exclusive(images_in_use_);
  if (pool_.tree().ok()) TRY(release_images());
  return pool_.unmount();
}

Result<void> OverlayDriver::destroy() {
  const std::unique_lock exclusive(images_in_use_);
  TRY(release_images());
  return pool_.destroy();
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
      TRY(detect_rootfs(TRY(open_path(files.rootfs_path, O_RDONLY)), files.rootfs_path)) == RootfsFormat::kSquashfs &&
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

Result<void> OverlayDriver::stage_layers(const StagedVolume& staged, const std::string& image, const Fd& root_model) {
  // Upper's own directory is what the guest sees as "/".
  if (::mkdirat(staged.directory().get(), "upper", 0755) != 0) return errno_error(errno, "mkdir upper");
  if (::mkdirat(staged.directory().get(), "work", 0755) != 0) return errno_error(errno, "mkdir work");
  if (::fchmodat(staged.directory().get(), "upper", 0755, 0) != 0) return errno_error(errno, "chmod upper");
  TRY(copy_owner_and_mode(root_model, staged.directory(), "upper"));
  if (::symlinkat(image.c_str(), staged.directory().get(), kImageLink) != 0) return errno_error(errno, "symlink image");
  return kOk;
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
    TRY(stage_layers(staged, image, *TRY(open_image(*tree, image))));
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
  const DirFd source = TRY(tree->open_volume(from));
  const std::string image = TRY(image_of(source));
  const char* layer = image.empty() ? kTreeName : "upper";
  const Fd model = TRY(open_at(source, layer, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  StagedVolume staged = TRY(StagedVolume::make(tree, to.kind));
  if (image.empty()) {
    TRY(make_dir_at(staged.directory(), kTreeName, 0755));
  } else {
    TRY(stage_layers(staged, image, model));
  }
  TRY(copy_tree(model, TRY(open_dir_at(staged.directory(), layer)), 0, watch));
  TRY(copy_image_metadata(source, staged.directory()));
  if (::syncfs(staged.directory().get()) != 0) return errno_error(errno, "syncfs");
  return staged.publish(to);
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
  drop_plain_quota(*tree, volume);
  return tree->discard(volume);
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
  const MountAccess access = is_writable(volume.kind) ? MountAccess::kReadWrite : MountAccess::kReadOnly;
  const DirFd directory = TRY(tree->open_volume(volume));
  const std::string image = TRY(image_of(directory));
  if (image.empty()) return TRY_CONTEXT(volume_text(volume), open_mapped_tree(directory, kTreeName, map, access));
  const std::optional<HostId> owner = map.user_to_host(ContainerId{0});
  const std::optional<HostId> group = map.group_to_host(ContainerId{0});
  if (!owner || !group) return Error(ErrorKind::kInvalid, volume_text(volume) + ": the id map has no root");
  const std::shared_ptr<Fd> image_root = TRY_CONTEXT(volume_text(volume), open_image(*tree, image));
  const Fd lower = TRY_CONTEXT("image " + image, open_mapped_tree(*image_root, ".", map, MountAccess::kReadOnly));
  const Fd layers = TRY_CONTEXT(volume_text(volume), open_mapped_tree(directory, ".", map, MountAccess::kReadWrite));
  return TRY_CONTEXT(volume_text(volume), mounter_.mount(OverlayLayers{lower, layers}, *owner, *group, access));
}

Result<VolumeUsage> OverlayDriver::usage(const VolumeId& volume) { return plain_usage(*TRY(pool_.tree()), volume); }

Result<void> OverlayDriver::set_quota(const VolumeId& volume, std::optional<Bytes> limit) {
  return set_plain_quota(*TRY(pool_.tree()), volume, limit);
}

}  // namespace cella::storage
