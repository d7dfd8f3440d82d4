#include "manager/custom_volume_copies.h"

#include <algorithm>
#include <set>

#include "base/rollback.h"
#include "manager/custom_volume_config.h"
#include "manager/custom_volume_files.h"
#include "manager/instance_snapshots.h"
#include "manager/pools.h"

namespace cella::manager {
namespace {

VolumeAt source_of(const CustomVolumeCopy& copy) {
  return copy.snapshot.empty() ? volume_at(copy.from) : volume_snapshot_at(copy.from, copy.snapshot);
}

bool takes_snapshots(const CustomVolumeCopy& copy) { return copy.snapshot.empty() && !copy.volume_only; }

}  // namespace

Result<CustomVolumeCreate> CustomVolumeCopies::completed(const CustomVolumeCreate& request,
                                                         const CustomVolumeCopy& copy) const {
  const VolumeRecord source = TRY(copy.snapshot.empty() ? volumes_.table().find(copy.from)
                                                        : volumes_.table().find_snapshot(copy.from, copy.snapshot));
  CustomVolumeCreate complete = request;
  complete.content = source.content;
  if (complete.config.empty()) complete.config = source.config;
  // The file is as long as the source's; another size is set afterwards.
  const auto size = source.config.find("size");
  if (source.content == VolumeContent::kBlock && size != source.config.end()) complete.config["size"] = size->second;
  if (complete.description.empty()) complete.description = source.description;
  return complete;
}

Result<OperationId> CustomVolumeCopies::copy(const CustomVolumeCreate& request, const CustomVolumeCopy& copy,
                                             const Caller& caller) {
  if (request.key == copy.from) return Error(ErrorKind::kExists, "Volume by that name already exists: " + key_text(request.key));
  const CustomVolumeCreate complete = TRY(completed(request, copy));
  TRY(volumes_.new_record(complete));
  if (!copy.refresh && volumes_.table().find(request.key).ok())
    return Error(ErrorKind::kExists, "Volume by that name already exists: " + key_text(request.key));
  OperationRequest operation_request = volume_request("Copying storage volume", request.key);
  operation_request.may_cancel = true;
  return around_.operations.start(
      std::move(operation_request), [this, complete, copy, caller](const OperationHandle& operation) -> Result<void> {
        const auto claim = volumes_.table().claim({complete.key, copy.from});
        const auto watch = watch_copy(operation, "fs", "Copy");
        const auto present = volumes_.table().find(complete.key);
        if (copy.refresh && present.ok()) return refresh_now(*present, copy, watch, caller);
        return copy_now(TRY(completed(complete, copy)), copy, watch, caller);
      });
}

Result<void> CustomVolumeCopies::copy_now(const CustomVolumeCreate& request, const CustomVolumeCopy& copy,
                                          const storage::Watch& watch, const Caller& caller) {
  VolumeRecord record = TRY(volumes_.new_record(request));
  Rollback undo;
  // One that is there makes this fail below; its snapshots are not ours.
  if (!volumes_.table().find(record.key).ok()) undo.add([&] { snapshots_.discard(record.key); });
  const auto fill = [&]() -> Result<void> {
    if (takes_snapshots(copy)) TRY(copy_snapshots(copy.from, record.key, watch));
    return copy_volume(around_.pools, source_of(copy), volume_at(record.key), watch);
  };
  TRY(volumes_.make(record, fill, caller));
  undo.commit();
  return kOk;
}

Result<void> CustomVolumeCopies::copy_snapshots(const VolumeKey& from, const VolumeKey& to,
                                                const storage::Watch& watch) {
  for (VolumeRecord snapshot : volumes_.table().snapshots(from)) {
    if (volumes_.table().find_snapshot(to, snapshot.snapshot).ok()) continue;
    const VolumeAt source = volume_snapshot_at(from, snapshot.snapshot);
    snapshot.id = 0;
    snapshot.key = to;
    snapshot.phase = VolumePhase::kCreating;
    TRY(snapshots_.make(snapshot, [&] {
      return copy_volume(around_.pools, source, volume_snapshot_at(to, snapshot.snapshot), watch);
    }));
  }
  return kOk;
}

Result<void> CustomVolumeCopies::refresh_now(const VolumeRecord& target, const CustomVolumeCopy& copy,
                                             const storage::Watch& watch, const Caller& caller) {
  TRY(volumes_.check_not_running(target.key, "Cannot refresh custom volume used by running instances"));
  const VolumeAt incoming = incoming_volume_at(target.key);
  TRY(around_.pools.remove_volume(target.key.pool, incoming.volume));
  Rollback undo;
  undo.add([&] { (void)around_.pools.remove_volume(target.key.pool, incoming.volume); });
  TRY(copy_volume(around_.pools, source_of(copy), incoming, watch));
  if (takes_snapshots(copy)) {
    for (const VolumeRecord& snapshot : volumes_.table().snapshots(target.key)) {
      if (!volumes_.table().find_snapshot(copy.from, snapshot.snapshot).ok()) TRY(snapshots_.erase(snapshot, caller));
    }
    TRY(copy_snapshots(copy.from, target.key, watch));
  }
  // The copy may have taken hours: who has started since would write to files that are about to go.
  TRY(volumes_.check_not_running(target.key, "Cannot refresh custom volume used by running instances"));
  TRY(set_volume_phase(around_.database, target.id, VolumePhase::kSwapping, ""));
  // From here on a restarted daemon finishes it.
  undo.commit();
  TRY(replace_root(around_.pools, incoming, volume_at(target.key)));
  TRY(volumes_.apply_size(target));
  TRY(set_volume_phase(around_.database, target.id, VolumePhase::kReady, ""));
  volumes_.tell("updated", target.key, "", caller);
  return kOk;
}

Result<OperationId> CustomVolumeCopies::move(const VolumeKey& from, const VolumeKey& to, const Caller& caller) {
  const CustomVolumeCopy copy{.from = from, .snapshot = {}};
  const CustomVolumeCreate request = TRY(completed({.key = to, .description = {}, .config = {}}, copy));
  TRY(volumes_.new_record(request));
  if (volumes_.table().find(to).ok())
    return Error(ErrorKind::kExists, "Volume by that name already exists: " + key_text(to));
  TRY(volumes_.check_not_running(from, "Volume is still in use by running instances"));
  OperationRequest operation_request = volume_request("Moving storage volume", from);
  operation_request.may_cancel = true;
  return around_.operations.start(
      std::move(operation_request), [this, request, copy, caller](const OperationHandle& operation) -> Result<void> {
        const std::string refusal = "Volume is still in use by running instances";
        Result<void> unused = kOk;
        {
          const auto claim = volumes_.table().claim({request.key, copy.from});
          TRY(volumes_.check_not_running(copy.from, refusal));
          TRY(copy_now(request, copy, watch_copy(operation, "fs", "Move"), caller));
          // The copy may have taken hours: what somebody has written since is in the source alone.
          unused = volumes_.check_not_running(copy.from, refusal);
          if (unused.ok()) TRY(volumes_.tell_users(copy.from, request.key));
        }
        if (unused.ok()) return volumes_.remove(copy.from, caller);
        TRY(volumes_.remove(request.key, caller));
        return unused;
      });
}

}  // namespace cella::manager
