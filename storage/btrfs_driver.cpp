#include "storage/btrfs_driver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

#include "base/files.h"
#include "base/rollback.h"
#include "storage/btrfs_pool.h"
#include "storage/btrfs_subvolume.h"
#include "storage/id_mapped.h"
#include "storage/image_volume.h"

namespace cella::storage {
namespace {

Error exists_error(const VolumeId& volume) {
  return Error(ErrorKind::kExists, volume_text(volume) + " exists already");
}

// A subvolume below staging/, thrown away unless published.
class StagedSubvolume {
 public:
  static Result<StagedSubvolume> make(std::shared_ptr<PoolTree> tree) {
    StagedSubvolume staged(std::move(tree));
    TRY(create_subvolume(staged.tree_->staging(), staged.name_));
    staged.made_ = true;
    return staged;
  }
  static Result<StagedSubvolume> make_from(std::shared_ptr<PoolTree> tree, const Fd& source) {
    StagedSubvolume staged(std::move(tree));
    TRY(snapshot_subvolume(source, staged.tree_->staging(), staged.name_));
    staged.made_ = true;
    return staged;
  }
  StagedSubvolume(StagedSubvolume&& other) noexcept
      : tree_(std::move(other.tree_)), name_(std::move(other.name_)), made_(std::exchange(other.made_, false)) {}
  StagedSubvolume& operator=(StagedSubvolume&&) = delete;
  ~StagedSubvolume() {
    if (made_) static_cast<void>(tree_->discard_staged(name_));
  }

  Result<DirFd> open() const { return open_dir_at(tree_->staging(), name_); }

  // Read-only comes after the new name: the kernel does not move a read-only subvolume.
  Result<void> publish(const VolumeId& volume) {
    const DirFd directory = TRY(open());
    TRY(tree_->publish(name_, volume));
    made_ = false;
    if (is_writable(volume.kind)) return kOk;
    return set_subvolume_access(directory, SubvolumeAccess::kReadOnly);
  }

 private:
  explicit StagedSubvolume(std::shared_ptr<PoolTree> tree) : tree_(std::move(tree)), name_(tree_->new_staging_name()) {}
  std::shared_ptr<PoolTree> tree_;
  std::string name_;
  bool made_ = false;
};

// For the trash: a subvolume is destroyed at once; one with others in it is emptied first by the caller.
bool remove_subvolume(const Fd& parent, const std::string& name) {
  {
    const Result<Fd> directory = open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory.ok() || !is_subvolume(*directory)) return false;
    static_cast<void>(set_subvolume_access(*directory, SubvolumeAccess::kReadWrite));
  }
  return destroy_subvolume(parent, name).ok();
}

}  // namespace

Result<void> BtrfsDriver::create() {
  const PoolSpec& spec = pool_.spec();
  Rollback rollback;
  const bool own_directory = !path_exists(spec.directory);
  TRY(create_btrfs(spec, rollback));
  rollback.add([&spec, own_directory] {
    static_cast<void>(unmount_btrfs(spec));
    if (own_directory) static_cast<void>(::rmdir(spec.directory.c_str()));
  });
  TRY(mount_btrfs(spec));
  TRY(PoolTree::create(pool_directory(spec)));
  TRY(pool_.mount(remove_subvolume));
  rollback.commit();
  return kOk;
}

Result<void> BtrfsDriver::mount() {
  TRY(mount_btrfs(pool_.spec()));
  return pool_.mount(remove_subvolume);
}

Result<void> BtrfsDriver::unmount() {
  TRY(pool_.unmount());
  return unmount_btrfs(pool_.spec());
}

Result<void> BtrfsDriver::destroy() {
  TRY(pool_.destroy([](const Fd& image) { return set_subvolume_access(image, SubvolumeAccess::kReadWrite); }));
  TRY(unmount_btrfs(pool_.spec()));
  return destroy_btrfs(pool_.spec());
}

Result<void> BtrfsDriver::create_image(const std::string& name, const ImageFiles& files, const UnpackLimits& limits,
                                       const Watch& watch) {
  const VolumeId volume{VolumeKind::kImage, name};
  TRY(check_volume_name(volume));
  const auto tree = TRY(pool_.tree());
  if (tree->exists(volume)) return exists_error(volume);
  StagedSubvolume staged = TRY(StagedSubvolume::make(tree));
  const DirFd directory = TRY(staged.open());
  if (::fchmod(directory.get(), 0700) != 0) return errno_error(errno, "chmod staged volume");
  TRY(fill_image_volume(directory, files, SquashfsUse::kUnpack, limits, watch));
  return staged.publish(volume);
}

Result<void> BtrfsDriver::create_volume(const VolumeId& volume, const std::string& image, const Watch& watch) {
  if (!image.empty()) return copy({VolumeKind::kImage, image}, volume, watch);
  TRY(check_volume_name(volume));
  const auto tree = TRY(pool_.tree());
  if (tree->exists(volume)) return exists_error(volume);
  StagedSubvolume staged = TRY(StagedSubvolume::make(tree));
  const DirFd directory = TRY(staged.open());
  if (::fchmod(directory.get(), 0700) != 0) return errno_error(errno, "chmod staged volume");
  TRY(make_dir_at(directory, kTreeName, 0755));
  return staged.publish(volume);
}

Result<void> BtrfsDriver::copy(const VolumeId& from, const VolumeId& to, const Watch&) {
  TRY(check_volume_name(from));
  TRY(check_volume_name(to));
  const auto tree = TRY(pool_.tree());
  const DirFd source = TRY(tree->open_volume(from));
  if (is_writable(to.kind)) {
    // One call, whole or absent: no staging needed.
    Result<void> made = snapshot_subvolume(source, TRY(open_dir_at(tree->root(), place_of(to).directory)), to.name);
    if (!made.ok() && made.error().kind() == ErrorKind::kExists) return exists_error(to);
    return made;
  }
  if (tree->exists(to)) return exists_error(to);
  return TRY(StagedSubvolume::make_from(tree, source)).publish(to);
}

Result<void> BtrfsDriver::rename(const VolumeId& from, const VolumeId& to) {
  TRY(check_volume_name(from));
  TRY(check_volume_name(to));
  const auto tree = TRY(pool_.tree());
  if (is_writable(from.kind) && is_writable(to.kind)) return tree->rename(from, to);
  const DirFd directory = TRY(tree->open_volume(from));
  if (!is_writable(from.kind)) TRY(set_subvolume_access(directory, SubvolumeAccess::kReadWrite));
  TRY(tree->rename(from, to));
  if (is_writable(to.kind)) return kOk;
  return set_subvolume_access(directory, SubvolumeAccess::kReadOnly);
}

Result<void> BtrfsDriver::remove(const VolumeId& volume) {
  TRY(check_volume_name(volume));
  const auto tree = TRY(pool_.tree());
  const Result<DirFd> directory = tree->open_volume(volume);
  if (!directory.ok()) {
    if (directory.error().kind() == ErrorKind::kNotFound) return kOk;
    return directory.error();
  }
  if (!is_writable(volume.kind)) TRY(set_subvolume_access(*directory, SubvolumeAccess::kReadWrite));
  return tree->discard(volume);
}

Result<Fd> BtrfsDriver::open_root(const VolumeId& volume, const IdMap& map) {
  TRY(check_volume_name(volume));
  const DirFd directory = TRY(TRY(pool_.tree())->open_volume(volume));
  const MountAccess access = is_writable(volume.kind) ? MountAccess::kReadWrite : MountAccess::kReadOnly;
  return TRY_CONTEXT(volume_text(volume), open_mapped_tree(directory, kTreeName, map, access));
}

Result<VolumeUsage> BtrfsDriver::usage(const VolumeId& volume) {
  TRY(check_volume_name(volume));
  const DirFd directory = TRY(TRY(pool_.tree())->open_volume(volume));
  const SubvolumeUsage usage = TRY_CONTEXT("usage of " + volume_text(volume), subvolume_usage(directory));
  return VolumeUsage{usage.referenced, usage.limit};
}

Result<void> BtrfsDriver::set_quota(const VolumeId& volume, std::optional<Bytes> limit) {
  TRY(check_volume_name(volume));
  const DirFd directory = TRY(TRY(pool_.tree())->open_volume(volume));
  // Quotas cost every write a little, so they are on only where a volume asked for one.
  if (limit) TRY_CONTEXT("size of " + volume_text(volume), enable_quotas(directory));
  TRY_CONTEXT("size of " + volume_text(volume), set_subvolume_limit(directory, limit));
  return kOk;
}

}  // namespace cella::storage
