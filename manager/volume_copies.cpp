#include "manager/volume_copies.h"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"
#include "base/rollback.h"
#include "storage/driver.h"
#include "storage/image_volume.h"
#include "storage/tree_copy.h"

namespace cella::manager {
namespace {

using storage::VolumeId;
using storage::VolumeKind;

constexpr const char* kIncoming = ".incoming";

// Every id stands for itself: what is read and written are the numbers on disk.
Result<IdMap> plain_map() { return IdMap::isolated(0); }

// A root without an image in another pool, filled from the open source. Anything half-made is removed again.
Result<void> fill_from(Pools& pools, const VolumeAt& from, const VolumeAt& to, const storage::Watch& watch) {
  const Fd mount = TRY(open_volume_tree(pools, from));
  const Fd tree = TRY(open_at(mount, ".", O_RDONLY | O_DIRECTORY));
  const auto target = TRY(pools.access(to.pool));
  TRY(target.driver->create_volume(to.volume, "", watch));
  Rollback undo;
  undo.add([&] { (void)target.driver->remove(to.volume); });
  const DirFd directory = TRY(storage::open_volume_directory(target.spec, to.volume));
  TRY(storage::copy_tree(tree, TRY(open_dir_at(directory, storage::kTreeName)), 0, watch));
  TRY(storage::copy_image_metadata(TRY(open_volume_files(pools, from)), directory));
  if (::syncfs(directory.get()) != 0) return errno_error(errno, "syncfs");
  undo.commit();
  return kOk;
}

}  // namespace

VolumeAt root_at(const std::string& pool, const std::string& instance) { return {pool, {VolumeKind::kRoot, instance}}; }

VolumeAt snapshot_at(const std::string& pool, const std::string& instance, const std::string& snapshot) {
  return {pool, {VolumeKind::kSnapshot, instance + "/" + snapshot}};
}

VolumeAt incoming_at(const std::string& pool, const std::string& instance) {
  return root_at(pool, instance + kIncoming);
}

VolumeAt incoming_for(const VolumeAt& volume) {
  const bool custom = volume.volume.kind == VolumeKind::kCustom || volume.volume.kind == VolumeKind::kCustomSnapshot;
  const auto name = volume.volume.name.substr(0, volume.volume.name.find('/'));
  return {volume.pool, {custom ? VolumeKind::kCustom : VolumeKind::kRoot, name + kIncoming}};
}

bool is_incoming(const VolumeAt& volume) {
  return storage::is_writable(volume.volume.kind) && volume.volume.name.ends_with(kIncoming);
}

Result<void> copy_volume(Pools& pools, const VolumeAt& from, const VolumeAt& to, const storage::Watch& watch) {
  if (from.pool == to.pool) return TRY(pools.access(from.pool)).driver->copy(from.volume, to.volume, watch);
  if (storage::is_writable(to.volume.kind)) return fill_from(pools, from, to, watch);
  const auto incoming = incoming_for(to);
  TRY(pools.remove_volume(to.pool, incoming.volume));
  TRY(fill_from(pools, from, incoming, watch));
  return rename_volume(pools, incoming, to.volume);
}

Result<void> rename_volume(Pools& pools, const VolumeAt& from, const VolumeId& to) {
  return TRY(pools.access(from.pool)).driver->rename(from.volume, to);
}

Result<void> replace_root(Pools& pools, const VolumeAt& next, const VolumeAt& present) {
  const auto pool = TRY(pools.access(present.pool));
  if (!TRY(storage::volume_exists(pool.spec, next.volume))) {
    if (TRY(storage::volume_exists(pool.spec, present.volume))) return kOk;
    return Error(ErrorKind::kNotFound, storage::volume_text(next.volume) + " is gone");
  }
  TRY(pool.driver->remove(present.volume));
  return pool.driver->rename(next.volume, present.volume);
}

Result<Fd> open_volume_tree(Pools& pools, const VolumeAt& volume) {
  // Always a plain tree; and files of an unmapped volume have ids that no map of a container holds.
  if (volume.volume.kind == VolumeKind::kCustom || volume.volume.kind == VolumeKind::kCustomSnapshot)
    return Fd(TRY(open_dir_at(TRY(open_volume_files(pools, volume)), storage::kTreeName)));
  return TRY(pools.access(volume.pool)).driver->open_root(volume.volume, TRY(plain_map()));
}

Result<DirFd> open_volume_files(Pools& pools, const VolumeAt& volume) {
  return storage::open_volume_directory(TRY(pools.access(volume.pool)).spec, volume.volume);
}

Result<bool> copies_at_once(const Pools& pools, const std::string& pool) {
  return TRY(pools.access(pool)).spec.driver == storage::DriverType::kBtrfs;
}

Result<void> sweep_volumes(Pools& pools, const VolumeKnown& known) {
  for (const Pool& pool : pools.list()) {
    const auto access = pools.access(pool.name);
    if (!access.ok()) continue;  // logged when it did not come up
    for (const auto& name : TRY(storage::list_volumes(access->spec, VolumeKind::kSnapshot))) {
      const VolumeAt found{pool.name, {VolumeKind::kSnapshot, name}};
      if (!known(found)) TRY(pools.remove_volume(pool.name, found.volume));
    }
    for (const auto& name : TRY(storage::list_volumes(access->spec, VolumeKind::kRoot))) {
      const VolumeAt found{pool.name, {VolumeKind::kRoot, name}};
      if (name.ends_with(kIncoming) && !known(found)) TRY(pools.remove_volume(pool.name, found.volume));
    }
  }
  return kOk;
}

}  // namespace cella::manager
