#include "storage/plain_pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"
#include "base/rollback.h"
#include "storage/project_quota.h"

namespace cella::storage {
namespace {

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

std::string pool_directory(const PoolSpec& spec) {
  if (spec.source.empty()) return spec.directory;
  if (spec.driver == DriverType::kBtrfs && !is_directory(spec.source)) return spec.directory;
  return spec.source;
}

Error not_mounted(const PoolSpec& spec) {
  return Error(ErrorKind::kBusy, "storage pool \"" + spec.name + "\" is not available");
}

Result<void> PlainPool::create() {
  const std::string directory = pool_directory(spec_);
  if (directory.empty() || directory[0] != '/') return invalid_value("source", directory, "not an absolute path");
  Rollback rollback;
  if (!path_exists(directory)) {
    if (!spec_.source.empty() && spec_.source != spec_.directory)
      return invalid_value("source", directory, "no such directory");
    TRY(make_dirs(directory, 0711));
    rollback.add([directory] { ::rmdir(directory.c_str()); });
  }
  if (!is_directory(directory)) return invalid_value("source", directory, "not a directory");
  TRY(PoolTree::create(directory));
  rollback.commit();
  return mount();
}

Result<void> PlainPool::mount(SpecialRemoval special) {
  const std::unique_lock lock(mutex_);
  if (!tree_) tree_ = TRY(PoolTree::open(pool_directory(spec_), std::move(special)));
  return kOk;
}

Result<void> PlainPool::unmount() {
  const std::unique_lock lock(mutex_);
  if (tree_) tree_->drain();
  tree_.reset();
  return kOk;
}

Result<void> PlainPool::destroy(const std::function<Result<void>(const Fd&)>& unlock) {
  const std::unique_lock lock(mutex_);
  if (!tree_) return not_mounted(spec_);
  for (const VolumeKind kind :
       {VolumeKind::kRoot, VolumeKind::kSnapshot, VolumeKind::kCustom, VolumeKind::kCustomSnapshot}) {
    const std::vector<std::string> names = TRY(list_volume_names(tree_->root(), kind));
    if (!names.empty())
      return Error(ErrorKind::kBusy, "storage pool \"" + spec_.name + "\" holds " + volume_text({kind, names.front()}));
  }
  for (const std::string& name : TRY(list_volume_names(tree_->root(), VolumeKind::kImage))) {
    const VolumeId image{VolumeKind::kImage, name};
    if (unlock) TRY_CONTEXT(volume_text(image), unlock(TRY(tree_->open_volume(image))));
    TRY(tree_->discard(image));
  }
  tree_->drain();
  const DirFd root = TRY(open_dir(tree_->directory()));
  const std::string directory = tree_->directory();
  tree_.reset();
  for (const std::string& name : pool_directories()) TRY(remove_tree_at(root, name));
  // A directory that was there before stays.
  if (directory == spec_.directory && ::rmdir(directory.c_str()) != 0 && errno != EBUSY)
    return errno_error(errno, "rmdir " + directory);
  return kOk;
}

Result<std::shared_ptr<PoolTree>> PlainPool::tree() const {
  const std::shared_lock lock(mutex_);
  if (!tree_) return not_mounted(spec_);
  return tree_;
}

namespace {

Result<DirFd> open_counted(const PoolTree& tree, const VolumeId& volume, const char* what) {
  TRY(check_volume_name(volume));
  if (has_project_quotas(tree.root())) return tree.open_volume(volume);
  return Error(ErrorKind::kUnsupported,
               std::string(what) + " of " + volume_text(volume) + ": the file system at " + tree.directory() +
                   " has no project quotas (ext4 or xfs mounted with prjquota); a btrfs pool has quotas of its own");
}

}  // namespace

Result<VolumeUsage> plain_usage(const PoolTree& tree, const VolumeId& volume) {
  return TRY_CONTEXT("usage of " + volume_text(volume), project_usage(TRY(open_counted(tree, volume, "usage"))));
}

Result<void> set_plain_quota(const PoolTree& tree, const VolumeId& volume, std::optional<Bytes> limit) {
  if (!limit) {
    TRY(check_volume_name(volume));
    return set_project_limit(TRY(tree.open_volume(volume)), std::nullopt);
  }
  TRY_CONTEXT("size of " + volume_text(volume), set_project_limit(TRY(open_counted(tree, volume, "size")), limit));
  return kOk;
}

void drop_plain_quota(const PoolTree& tree, const VolumeId& volume) {
  const Result<DirFd> directory = tree.open_volume(volume);
  // A limit on a project without files harms nothing but the room for numbers.
  if (directory.ok()) static_cast<void>(set_project_limit(*directory, std::nullopt));
}

Result<StagedVolume> StagedVolume::make(std::shared_ptr<PoolTree> tree, VolumeKind kind) {
  StagedVolume staged(std::move(tree), "");
  const std::string name = staged.tree_->new_staging_name();
  TRY(make_dir_at(staged.tree_->staging(), name, 0700));
  staged.name_ = name;
  staged.directory_ = TRY(open_dir_at(staged.tree_->staging(), name));
  // Images stay outside: a file is not linked into another project's directory, only copied.
  if (kind != VolumeKind::kImage && has_project_quotas(staged.directory_)) TRY(begin_project(staged.directory_));
  return staged;
}

StagedVolume::~StagedVolume() {
  // A failure leaves it for the sweep at the next start.
  if (tree_ && !name_.empty()) static_cast<void>(tree_->discard_staged(name_));
}

Result<void> StagedVolume::publish(const VolumeId& volume) {
  TRY(tree_->publish(name_, volume));
  name_.clear();
  return kOk;
}

Result<void> StagedVolume::publish_at(const Fd& dir, const std::string& name) {
  if (::renameat2(tree_->staging().get(), name_.c_str(), dir.get(), name.c_str(), RENAME_NOREPLACE) != 0)
    return errno_error(errno, "rename " + name_ + " to " + name);
  name_.clear();
  return kOk;
}

}  // namespace cella::storage
