#include "storage/layer_freeze.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "base/files.h"
#include "storage/file_attributes.h"
#include "storage/image_volume.h"

namespace cella::storage {
namespace {

constexpr const char* kUpper = "upper";
constexpr const char* kNewUpper = "upper.new";
constexpr const char* kNewList = "layers.next";

Result<void> rename_within(const Fd& dir, const char* from, const char* to) {
  if (::renameat(dir.get(), from, dir.get(), to) == 0) return kOk;
  return errno_error(errno, std::string("rename ") + from + " to " + to);
}

Result<void> make_open_directory(const Fd& dir, const std::string& name) {
  if (::mkdirat(dir.get(), name.c_str(), 0755) != 0 && errno != EEXIST) return errno_error(errno, "mkdir " + name);
  if (::fchmodat(dir.get(), name.c_str(), 0755, 0) != 0) return errno_error(errno, "chmod " + name);
  return kOk;
}

const char* own_tree(const Fd& volume) { return exists_at(volume, kTreeName) ? kTreeName : kUpper; }

Result<void> take_back(const Fd& volume) {
  TRY(remove_tree_at(volume, kNewUpper));
  return write_layer_list(volume, {}, kNewList);
}

// The files are in their layer: what was prepared takes its place.
Result<void> roll_forward(const Fd& volume) {
  if (exists_at(volume, kNewList)) TRY(rename_within(volume, kNewList, kLayerList));
  if (exists_at(volume, kNewUpper)) TRY(rename_within(volume, kNewUpper, kUpper));
  return kOk;
}

Result<void> prepare(const Fd& volume, const std::string& layer) {
  LayerNames layers = TRY(read_layer_list(volume));
  layers.insert(layers.begin(), layer);
  const Fd model = TRY(open_at(volume, own_tree(volume), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY(make_upper(volume, kNewUpper, model));
  return write_layer_list(volume, layers, kNewList);
}

}  // namespace

Result<bool> has_own_files(const Fd& volume) {
  if (exists_at(volume, kTreeName)) return true;
  // Names only: an upper directory may hold a million of them.
  Fd upper = TRY(open_at(volume, kUpper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(upper.get()), ::closedir);
  if (!stream) return errno_error(errno, "list upper");
  upper.release();
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return true;
  }
  return false;
}

Result<void> make_upper(const Fd& volume, const std::string& upper, const Fd& model) {
  TRY(make_open_directory(volume, "work"));
  TRY(make_open_directory(volume, upper));
  const Fd made = TRY(open_at(volume, upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  struct stat status {};
  if (::fstat(model.get(), &status) != 0) return errno_error(errno, "stat root of layer");
  TRY(copy_attributes(model, made));
  return set_owner_mode_times(made, status);
}

Result<void> freeze_volume(const Fd& volume, const Fd& layers, const std::string& layer) {
  const Result<void> prepared = prepare(volume, layer);
  if (!prepared.ok()) {
    static_cast<void>(take_back(volume));
    return prepared;
  }
  const char* tree = own_tree(volume);
  if (::renameat2(volume.get(), tree, layers.get(), layer.c_str(), RENAME_NOREPLACE) != 0) {
    const int saved = errno;
    static_cast<void>(take_back(volume));
    return errno_error(saved, std::string("move ") + tree + " to layer " + layer);
  }
  return roll_forward(volume);
}

Result<void> finish_freeze(const Fd& volume, const Fd& layers) {
  if (exists_at(volume, kNewList)) {
    const LayerNames next = TRY(read_layer_list(volume, kNewList));
    const bool moved = !next.empty() && exists_at(layers, next.front());
    return moved ? roll_forward(volume) : take_back(volume);
  }
  if (!exists_at(volume, kNewUpper)) return kOk;
  const bool moved = !exists_at(volume, kUpper) && !exists_at(volume, kTreeName);
  return moved ? roll_forward(volume) : take_back(volume);
}

}  // namespace cella::storage
