#include "storage/pool_tree.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/files.h"
#include "base/rooted.h"

namespace cella::storage {
namespace {

constexpr const char* kDirectories[] = {"images", "volumes", "snapshots", "staging", "trash"};
// Pools that were made before there were custom volumes and layers get these when they are opened.
constexpr const char* kLaterDirectories[] = {"custom", "custom-snapshots", "layers"};

Result<void> rename_new(const Fd& from_dir, const std::string& from, const Fd& to_dir, const std::string& to) {
  if (::renameat2(from_dir.get(), from.c_str(), to_dir.get(), to.c_str(), RENAME_NOREPLACE) == 0) return kOk;
  return errno_error(errno, "rename " + from + " to " + to);
}

// Unique among processes and restarts, so that a sweep never meets a name in use.
std::string unique_name(unsigned number) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::to_string(now.tv_sec) + "." + std::to_string(now.tv_nsec) + "." + std::to_string(::getpid()) + "." +
         std::to_string(number);
}

std::string snapshots_directory(VolumeKind kind) {
  return kind == VolumeKind::kCustomSnapshot ? "custom-snapshots" : "snapshots";
}

}  // namespace

VolumePlace place_of(const VolumeId& volume) {
  switch (volume.kind) {
    case VolumeKind::kImage:
      return {"images", volume.name};
    case VolumeKind::kRoot:
      return {"volumes", volume.name};
    case VolumeKind::kCustom:
      return {"custom", volume.name};
    case VolumeKind::kSnapshot:
    case VolumeKind::kCustomSnapshot:
      break;
  }
  const std::size_t slash = volume.name.find('/');
  return {snapshots_directory(volume.kind) + "/" + volume.name.substr(0, slash), volume.name.substr(slash + 1)};
}

std::vector<std::string> pool_directories() {
  std::vector<std::string> names(std::begin(kDirectories), std::end(kDirectories));
  names.insert(names.end(), std::begin(kLaterDirectories), std::end(kLaterDirectories));
  return names;
}

Result<void> PoolTree::create(const std::string& directory) {
  const DirFd root = TRY(open_dir(directory));
  for (const std::string& name : TRY(list_names(root))) {
    if (name == "lost+found") continue;
    return Error(ErrorKind::kExists, "pool directory " + directory + ": not empty (\"" + name + "\")");
  }
  if (::fchmod(root.get(), 0700) != 0) return errno_error(errno, "chmod " + directory);
  for (const std::string& name : pool_directories()) TRY_CONTEXT(directory, make_dir_at(root, name, 0700));
  return sync_fd(root, directory);
}

Result<std::unique_ptr<PoolTree>> PoolTree::open(const std::string& directory, SpecialRemoval special) {
  std::unique_ptr<PoolTree> tree(new PoolTree);
  tree->directory_ = directory;
  tree->root_ = TRY(open_dir(directory));
  for (const char* name : kDirectories)
    if (!exists_at(tree->root_, name))
      return Error(ErrorKind::kNotFound, "pool directory " + directory + ": no \"" + name + "\" in it");
  for (const char* name : kLaterDirectories)
    if (!exists_at(tree->root_, name)) TRY_CONTEXT(directory, make_dir_at(tree->root_, name, 0700));
  tree->staging_ = TRY(open_dir_at(tree->root_, "staging"));
  tree->trash_ = TRY(open_dir_at(tree->root_, "trash"));
  tree->special_ = std::move(special);
  TRY_CONTEXT("sweep " + directory, tree->sweep());
  tree->thread_ = std::thread([raw = tree.get()] { raw->run(); });
  return tree;
}

PoolTree::~PoolTree() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<void> PoolTree::sweep() {
  for (const std::string& name : TRY(list_names(staging_))) TRY(move_to_trash(staging_, name));
  const std::vector<std::string> left = TRY(list_names(trash_));
  const std::lock_guard lock(mutex_);
  queue_.assign(left.begin(), left.end());
  return kOk;
}

std::string PoolTree::new_staging_name() { return unique_name(number_++); }

Result<void> PoolTree::move_to_trash(const Fd& dir, const std::string& name) {
  const std::string trashed = unique_name(number_++);
  if (::renameat(dir.get(), name.c_str(), trash_.get(), trashed.c_str()) != 0) {
    const int saved = errno;
    if (saved == ENOENT) return kOk;
    return errno_error(saved, "move to trash " + name);
  }
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(trashed);
  }
  changed_.notify_all();
  return kOk;
}

Result<void> PoolTree::discard_at(const Fd& dir, const std::string& name) { return move_to_trash(dir, name); }

Result<void> PoolTree::discard_staged(const std::string& staged) { return move_to_trash(staging_, staged); }

Result<DirFd> PoolTree::open_parent(const VolumePlace& place) const { return open_dir_at(root_, place.directory); }

Result<DirFd> PoolTree::make_parent(const VolumePlace& place) {
  if (::mkdirat(root_.get(), place.directory.c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error(errno, "mkdir " + place.directory);
  return open_parent(place);
}

Result<void> PoolTree::publish(const std::string& staged, const VolumeId& volume) {
  const VolumePlace place = place_of(volume);
  TRY_CONTEXT(volume_text(volume), rename_new(staging_, staged, TRY(make_parent(place)), place.name));
  return kOk;
}

Result<void> PoolTree::rename(const VolumeId& from, const VolumeId& to) {
  const VolumePlace old_place = place_of(from);
  const VolumePlace new_place = place_of(to);
  const DirFd old_parent = TRY_CONTEXT(volume_text(from), open_parent(old_place));
  TRY_CONTEXT(volume_text(from), rename_new(old_parent, old_place.name, TRY(make_parent(new_place)), new_place.name));
  // Fails while other snapshots are there.
  if (is_snapshot(from.kind)) ::unlinkat(root_.get(), old_place.directory.c_str(), AT_REMOVEDIR);
  return kOk;
}

Result<void> PoolTree::discard(const VolumeId& volume) {
  const VolumePlace place = place_of(volume);
  Result<DirFd> parent = open_parent(place);
  if (!parent.ok() && parent.error().kind() == ErrorKind::kNotFound) return kOk;
  TRY_CONTEXT(volume_text(volume), move_to_trash(TRY(std::move(parent)), place.name));
  // Fails while other snapshots are there.
  if (is_snapshot(volume.kind)) ::unlinkat(root_.get(), place.directory.c_str(), AT_REMOVEDIR);
  return kOk;
}

bool PoolTree::exists(const VolumeId& volume) const { return exists_at(root_, place_of(volume).path()); }

Result<DirFd> PoolTree::open_volume(const VolumeId& volume) const {
  Result<DirFd> opened = open_dir_at(root_, place_of(volume).path());
  if (!opened.ok() && opened.error().kind() == ErrorKind::kNotFound)
    return Error(ErrorKind::kNotFound, volume_text(volume) + " in " + directory_ + ": not found");
  return opened;
}

void PoolTree::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || (queue_.empty() && !busy_); });
}

void PoolTree::run() {
  const std::function<bool()> stopped = [this] { return stop_.load(); };
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    const std::string name = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    // What cannot be removed now is tried again at the next start.
    const Result<void> ignored = remove_deep_tree(trash_, name, special_, stopped);
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

Result<std::vector<std::string>> list_volume_names(const Fd& root, VolumeKind kind) {
  std::vector<std::string> names;
  if (!is_snapshot(kind)) {
    names = TRY(list_names(TRY(open_dir_at(root, place_of({kind, ""}).directory))));
  } else {
    const DirFd snapshots = TRY(open_dir_at(root, snapshots_directory(kind)));
    for (const std::string& volume : TRY(list_names(snapshots)))
      for (const std::string& name : TRY(list_names(TRY(open_dir_at(snapshots, volume)))))
        names.push_back(volume + "/" + name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace cella::storage
