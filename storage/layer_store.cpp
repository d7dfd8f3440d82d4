#include "storage/layer_store.h"

#include "base/files.h"
#include "storage/layer_freeze.h"

namespace cella::storage {
namespace {

constexpr const char* kDirectory = "layers";

}  // namespace

Result<std::unique_ptr<LayerStore>> LayerStore::open(PoolTree& tree) {
  std::unique_ptr<LayerStore> store(new LayerStore(tree));
  store->directory_ = TRY(open_dir_at(tree.root(), kDirectory));
  for (const VolumeKind kind : {VolumeKind::kRoot, VolumeKind::kSnapshot}) TRY(store->count_volumes(kind));
  TRY(store->discard_unnamed());
  return store;
}

Result<void> LayerStore::count_volumes(VolumeKind kind) {
  for (const std::string& name : TRY(list_volume_names(tree_.root(), kind)))
    if (!count_volume({kind, name}).ok()) all_known_ = false;
  return kOk;
}

Result<void> LayerStore::count_volume(const VolumeId& volume) {
  const DirFd directory = TRY(tree_.open_volume(volume));
  TRY(finish_freeze(directory, directory_));
  hold(TRY(read_layer_list(directory)));
  return kOk;
}

Result<void> LayerStore::discard_unnamed() {
  if (!all_known_) return kOk;
  for (const std::string& layer : TRY(list_names(directory_)))
    if (!holders_.contains(layer)) TRY(tree_.discard_at(directory_, layer));
  return kOk;
}

void LayerStore::hold(const LayerNames& layers) {
  const std::lock_guard lock(mutex_);
  for (const std::string& layer : layers) ++holders_[layer];
}

Result<void> LayerStore::release(const LayerNames& layers) {
  const std::lock_guard lock(mutex_);
  Result<void> outcome = kOk;
  for (const std::string& layer : layers) {
    const auto found = holders_.find(layer);
    if (found == holders_.end() || --found->second > 0) continue;
    holders_.erase(found);
    if (!all_known_) continue;
    // One that cannot be moved now goes when the pool is opened next.
    Result<void> discarded = tree_.discard_at(directory_, layer);
    if (!discarded.ok()) outcome = std::move(discarded);
  }
  return outcome;
}

}  // namespace cella::storage
