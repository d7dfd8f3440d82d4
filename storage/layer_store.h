// The layers of an overlay pool, below its directory "layers": shared by every volume whose list names them, deleted
// with the last one. No count is kept on disk: what is named is counted when the pool is opened.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "storage/layer_list.h"
#include "storage/pool_tree.h"

namespace cella::storage {

// Thread-safe.
class LayerStore {
 public:
  // Ends freezes that were interrupted and throws layers away that no volume names. A volume whose list cannot be read
  // keeps every layer there is. tree outlives it.
  static Result<std::unique_ptr<LayerStore>> open(PoolTree& tree);

  const DirFd& directory() const { return directory_; }

  // A volume with this list is about to get its name. Undone by release().
  void hold(const LayerNames& layers);
  // Such a volume is gone, or has another list now. Layers that nobody names any more go to the trash.
  Result<void> release(const LayerNames& layers);

 private:
  explicit LayerStore(PoolTree& tree) : tree_(tree) {}
  Result<void> count_volumes(VolumeKind kind);
  Result<void> count_volume(const VolumeId& volume);
  Result<void> discard_unnamed();

  PoolTree& tree_;
  DirFd directory_;
  std::mutex mutex_;
  std::map<std::string, unsigned> holders_;
  bool all_known_ = true;
};

}  // namespace cella::storage
