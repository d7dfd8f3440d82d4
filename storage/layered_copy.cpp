#include "storage/layered_copy.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

#include "base/files.h"
#include "storage/image_volume.h"
#include "storage/layer_freeze.h"
#include "storage/layer_merge.h"
#include "storage/tree_copy.h"

namespace cella::storage {
namespace {

constexpr const char* kImageLink = "image";
constexpr const char* kUpper = "upper";

bool has_layers(VolumeKind kind) { return kind == VolumeKind::kRoot || kind == VolumeKind::kSnapshot; }

Result<Fd> open_tree_of(const Fd& volume, const char* name) {
  return open_at(volume, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

// A list is replaced and never changed, so two volumes may share the file; not if their quotas count it apart.
Result<void> take_over_list(const Fd& source, const Fd& target) {
  if (::linkat(source.get(), kLayerList, target.get(), kLayerList, 0) == 0 || errno == ENOENT) return kOk;
  return write_layer_list(target, TRY(read_layer_list(source)));
}

// Somewhere for an overlay to be tried on.
Result<StagedVolume> make_scratch(const std::shared_ptr<PoolTree>& tree) {
  StagedVolume scratch = TRY(StagedVolume::make(tree, VolumeKind::kImage));
  for (const char* name : {kUpper, "work"}) TRY(make_dir_at(scratch.directory(), name, 0755));
  return scratch;
}

}  // namespace

Result<std::string> image_of(const Fd& volume) {
  std::string name(256, '\0');
  const ssize_t count = ::readlinkat(volume.get(), kImageLink, name.data(), name.size());
  if (count < 0 && errno == ENOENT) return std::string();
  if (count < 0) return errno_error(errno, "readlink image");
  name.resize(static_cast<std::size_t>(count));
  return name;
}

Result<void> stage_over_image(const Fd& volume, const std::string& image, const Fd& model) {
  TRY(make_upper(volume, kUpper, model));
  if (::symlinkat(image.c_str(), volume.get(), kImageLink) != 0) return errno_error(errno, "symlink image");
  return kOk;
}

Result<bool> IdlenessProbe::is_idle(const std::shared_ptr<PoolTree>& tree, OverlayMounter& mounter, const Fd& volume) {
  {
    const std::lock_guard lock(mutex_);
    if (!can_tell_) {
      const StagedVolume first = TRY(make_scratch(tree));
      const StagedVolume second = TRY(make_scratch(tree));
      const Result<bool> tells = mounter.can_tell_use(first.directory(), second.directory());
      can_tell_ = tells.ok() && *tells;
    }
    if (!*can_tell_) return false;
  }
  const StagedVolume scratch = TRY(make_scratch(tree));
  return !TRY(mounter.is_in_use(volume, scratch.directory()));
}

Result<void> LayeredCopy::copy(const VolumeId& from, const VolumeId& to, const Watch& watch) {
  const DirFd source = TRY(tree_->open_volume(from));
  const bool in_layers = has_layers(from.kind) && has_layers(to.kind);
  const bool settled = in_layers && TRY_CONTEXT(volume_text(from), settle(from, source, watch));
  StagedVolume staged = TRY(StagedVolume::make(tree_, to.kind));
  TRY(fill(source, staged.directory(), watch));
  TRY(copy_image_metadata(source, staged.directory()));
  if (!settled && ::syncfs(staged.directory().get()) != 0) return errno_error(errno, "syncfs");
  TRY(publish(staged, to, TRY(read_layer_list(staged.directory()))));
  // Names only, and old ones before new: the files of layers were on disk when their overlay was unmounted. Journals
  // keep the order, so the first of these takes the others along.
  const DirFd parent = TRY(open_dir_at(tree_->root(), place_of(to).directory));
  for (const Fd* directory : std::initializer_list<const Fd*>{&layers_.directory(), &source, &staged.directory(), &parent})
    TRY(sync_fd(*directory, volume_text(to)));
  return kOk;
}

// Turns what the source has of its own into a layer. False when it must stay as it is: someone may be writing to it.
Result<bool> LayeredCopy::settle(const VolumeId& from, const Fd& source, const Watch& watch) {
  if (!TRY(has_own_files(source))) return true;
  // A tree without upper directory is mounted as it is, which leaves no trace; snapshots are never written to.
  const bool idle = exists_at(source, kTreeName) ? from.kind == VolumeKind::kSnapshot
                                                 : TRY(idleness_.is_idle(tree_, mounter_, source));
  if (!idle) return false;
  TRY(shorten(source, watch));
  const std::string layer = layer_name(0, tree_->new_staging_name());
  TRY(freeze_volume(source, layers_.directory(), layer));
  layers_.hold({layer});
  return true;
}

Result<void> LayeredCopy::shorten(const Fd& source, const Watch& watch) {
  const LayerNames list = TRY(read_layer_list(source));
  const MergePlan plan = plan_merge(list);
  if (plan.count == 0) return kOk;
  Result<void> merged = merge(source, list, plan, watch);
  // It can wait for the next copy as long as there is room for one more layer.
  if (!merged.ok() && list.size() < kMostLayers) return kOk;
  return merged;
}

Result<void> LayeredCopy::merge(const Fd& source, const LayerNames& list, const MergePlan& plan, const Watch& watch) {
  const auto first = list.begin() + static_cast<std::ptrdiff_t>(plan.first);
  const auto end = first + static_cast<std::ptrdiff_t>(plan.count);
  const LayerNames merged(first, end);
  StagedVolume staged = TRY(StagedVolume::make(tree_, VolumeKind::kImage));
  TRY(merge_layers(layers_.directory(), merged, staged.directory(), watch));
  if (::syncfs(layers_.directory().get()) != 0) return errno_error(errno, "syncfs");
  const std::string name = layer_name(plan.level, staged.name());
  TRY(staged.publish_at(layers_.directory(), name));
  LayerNames next(list.begin(), first);
  next.push_back(name);
  next.insert(next.end(), end, list.end());
  layers_.hold({name});
  TRY(write_layer_list(source, next));
  return layers_.release(merged);
}

Result<void> LayeredCopy::fill(const Fd& source, const Fd& target, const Watch& watch) {
  const bool plain = exists_at(source, kTreeName);
  const char* own = plain ? kTreeName : kUpper;
  const Fd model = TRY(open_tree_of(source, own));
  if (plain) {
    TRY(make_dir_at(target, kTreeName, 0755));
  } else {
    TRY(make_upper(target, kUpper, model));
    const std::string image = TRY(image_of(source));
    if (!image.empty() && ::symlinkat(image.c_str(), target.get(), kImageLink) != 0)
      return errno_error(errno, "symlink image");
    TRY(take_over_list(source, target));
  }
  TRY(copy_tree(model, TRY(open_tree_of(target, own)), 0, watch));
  return kOk;
}

Result<void> LayeredCopy::publish(StagedVolume& staged, const VolumeId& to, const LayerNames& list) {
  layers_.hold(list);
  const Result<void> published = staged.publish(to);
  if (!published.ok()) static_cast<void>(layers_.release(list));
  return published;
}

}  // namespace cella::storage
