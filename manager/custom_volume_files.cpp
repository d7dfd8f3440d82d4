#include "manager/custom_volume_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <set>
#include <vector>

#include "base/files.h"
#include "base/rooted.h"
#include "base/rollback.h"
#include "storage/driver.h"
#include "storage/image_volume.h"

namespace cella::manager {
namespace {

Result<Fd> open_block_file(Pools& pools, const VolumeKey& key) {
  const Fd tree = TRY(open_volume_tree(pools, volume_at(key)));
  return open_at(tree, kBlockFileName, O_RDWR | O_NOFOLLOW);
}

Result<void> set_length(const Fd& file, Bytes size, const VolumeKey& key) {
  // Sparse: blocks are taken as they are written.
  if (::ftruncate(file.get(), static_cast<off_t>(size.value)) != 0)
    return errno_error(errno, "ftruncate " + key_text(key) + " to " + std::to_string(size.value));
  return sync_fd(file, key_text(key));
}

Result<void> fill_empty(const Fd& tree, const VolumeKey& key, VolumeContent content, Bytes size) {
  if (::fchmod(tree.get(), 0711) != 0) return errno_error(errno, "chmod " + key_text(key));
  if (content == VolumeContent::kBlock) {
    const Fd file = TRY(open_at(tree, kBlockFileName, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(set_length(file, size, key));
  }
  return sync_fd(tree, key_text(key));
}

}  // namespace

VolumeAt volume_at(const VolumeKey& key) { return {key.pool, stored_volume(key)}; }

VolumeAt volume_snapshot_at(const VolumeKey& key, const std::string& snapshot) {
  return {key.pool, stored_snapshot(key, snapshot)};
}

VolumeAt incoming_volume_at(const VolumeKey& key) { return incoming_for(volume_at(key)); }

Result<void> make_empty_volume(Pools& pools, const VolumeKey& key, VolumeContent content, Bytes size) {
  const auto pool = TRY(pools.access(key.pool));
  TRY(pool.driver->create_volume(stored_volume(key), "", {}));
  Rollback undo;
  undo.add([&] { (void)pool.driver->remove(stored_volume(key)); });
  TRY(fill_empty(TRY(open_volume_tree(pools, volume_at(key))), key, content, size));
  undo.commit();
  return kOk;
}

Result<void> resize_block_file(Pools& pools, const VolumeKey& key, Bytes size) {
  const Fd file = TRY(open_block_file(pools, key));
  const Bytes present = TRY(block_file_size(pools, key));
  if (size < present) {
    return invalid_value("size", std::to_string(size.value),
                         "a block volume cannot be shrunk (it has " + std::to_string(present.value) + " bytes)");
  }
  return set_length(file, size, key);
}

Result<Bytes> block_file_size(Pools& pools, const VolumeKey& key) {
  const Fd file = TRY(open_block_file(pools, key));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error(errno, "stat " + key_text(key));
  return Bytes{static_cast<std::uint64_t>(status.st_size)};
}

Result<Bytes> tree_usage(const Fd& directory) {
  struct stat top {};
  if (::fstat(directory.get(), &top) != 0) return errno_error(errno, "stat volume");
  std::uint64_t blocks = static_cast<std::uint64_t>(top.st_blocks);
  std::set<ino_t> linked;
  // Paths below `directory`, so that the depth of a tree costs no descriptors.
  std::vector<std::string> waiting = {"."};
  while (!waiting.empty()) {
    const std::string path = std::move(waiting.back());
    waiting.pop_back();
    const Result<Fd> opened = open_beneath(directory, path, O_RDONLY | O_DIRECTORY);
    if (!opened.ok()) continue;  // gone meanwhile
    for (const std::string& name : TRY(list_names(*opened))) {
      struct stat status {};
      if (::fstatat(opened->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (status.st_dev != top.st_dev) continue;
      if (status.st_nlink > 1 && !S_ISDIR(status.st_mode) && !linked.insert(status.st_ino).second) continue;
      blocks += static_cast<std::uint64_t>(status.st_blocks);
      if (S_ISDIR(status.st_mode)) waiting.push_back(path + "/" + name);
    }
  }
  return Bytes{blocks * 512};
}

}  // namespace cella::manager
