// The directories of a pool, the same for every driver:
//   images/FINGERPRINT  volumes/NAME  snapshots/NAME/SNAPSHOT   whole volumes
//   custom/NAME         custom-snapshots/NAME/SNAPSHOT
//   layers/             what volumes of the overlay driver share (layer_store.h)
//   staging/            volumes being made; anything here at start is left over from a crash
//   trash/              volumes being deleted in the background; swept at start too
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "storage/tree_removal.h"
#include "storage/volume.h"

namespace cella::storage {

// Directory and name of a volume below the pool's directory.
struct VolumePlace {
  std::string directory;  // "images", "volumes", "snapshots/NAME", "custom", "custom-snapshots/NAME"
  std::string name;
  std::string path() const { return directory + "/" + name; }
};
VolumePlace place_of(const VolumeId& volume);

// The directories at the top of a pool's tree.
std::vector<std::string> pool_directories();

// An open pool tree with its thread that empties the trash. Thread-safe.
class PoolTree {
 public:
  // Makes the directories (0700) in an existing directory. Errors: kExists when it holds something else already.
  static Result<void> create(const std::string& directory);
  // Opens a pool tree and begins to sweep what a crash left. Errors: kNotFound when it is none.
  static Result<std::unique_ptr<PoolTree>> open(const std::string& directory, SpecialRemoval special);
  // Stops the sweeping where it is; the next open() goes on.
  ~PoolTree();
  PoolTree(const PoolTree&) = delete;
  PoolTree& operator=(const PoolTree&) = delete;

  const DirFd& root() const { return root_; }
  const std::string& directory() const { return directory_; }

  // A fresh name below "staging".
  std::string new_staging_name();
  const DirFd& staging() const { return staging_; }

  // Gives a staged directory its name. Errors: kExists.
  Result<void> publish(const std::string& staged, const VolumeId& volume);
  Result<void> rename(const VolumeId& from, const VolumeId& to);
  // Moves a staged directory, or a volume, to the trash. Missing: success.
  Result<void> discard_staged(const std::string& staged);
  Result<void> discard(const VolumeId& volume);
  // The same for anything else in a directory of this tree.
  Result<void> discard_at(const Fd& dir, const std::string& name);
  bool exists(const VolumeId& volume) const;
  Result<DirFd> open_volume(const VolumeId& volume) const;
  // Blocks until the trash is empty or cannot be emptied.
  void drain();

 private:
  PoolTree() = default;
  Result<void> sweep();
  Result<void> move_to_trash(const Fd& dir, const std::string& name);
  Result<DirFd> open_parent(const VolumePlace& place) const;
  Result<DirFd> make_parent(const VolumePlace& place);
  void run();

  std::string directory_;
  DirFd root_;
  DirFd staging_;
  DirFd trash_;
  SpecialRemoval special_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  bool busy_ = false;
  std::atomic<bool> stop_{false};
  std::atomic<unsigned> number_{0};
  std::thread thread_;
};

// What can be seen of a pool's volumes without a driver. See driver.h.
Result<std::vector<std::string>> list_volume_names(const Fd& root, VolumeKind kind);

}  // namespace cella::storage
