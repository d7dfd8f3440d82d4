#include "manager/custom_volume_snapshots.h"

#include "base/rollback.h"
#include "manager/custom_volume_config.h"
#include "manager/custom_volume_files.h"
#include "manager/events.h"
#include "manager/pools.h"
#include "manager/snapshot_names.h"
#include "storage/driver.h"

namespace cella::manager {
namespace {

// For requests that are answered when they are done.
constexpr std::chrono::seconds kPatience{10};

CustomSnapshot shown(const VolumeRecord& record) {
  return {record.snapshot, record.description, record.config, record.content, record.created_at, record.expires_at};
}

std::string tail_of(const std::string& snapshot) { return "/snapshots/" + snapshot; }

std::string config_text(const VolumeRecord& volume, const std::string& key) {
  const auto found = volume.config.find(key);
  return found == volume.config.end() ? std::string() : found->second;
}

}  // namespace

OperationRequest volume_request(std::string description, const VolumeKey& key) {
  OperationRequest request;
  request.description = std::move(description);
  request.resources["storage_volumes"] = {key.name};
  request.project = key.project;
  return request;
}

Result<std::vector<CustomSnapshot>> CustomVolumeSnapshots::list(const VolumeKey& key) const {
  TRY(volumes_.table().find(key));
  std::vector<CustomSnapshot> snapshots;
  for (const VolumeRecord& record : volumes_.table().snapshots(key)) snapshots.push_back(shown(record));
  return snapshots;
}

Result<CustomSnapshot> CustomVolumeSnapshots::find(const VolumeKey& key, const std::string& name) const {
  return shown(TRY(volumes_.table().find_snapshot(key, name)));
}

Result<VolumeRecord> CustomVolumeSnapshots::new_record(const VolumeKey& key,
                                                       const VolumeSnapshotCreate& request) const {
  const VolumeRecord volume = TRY(volumes_.table().find(key));
  TRY(volumes_.check_snapshot(key));
  VolumeRecord record = volume;
  record.id = 0;
  record.phase = VolumePhase::kCreating;
  record.created_at = std::chrono::system_clock::now();
  if (!request.description.empty()) record.description = request.description;
  std::vector<std::string> names;
  for (const VolumeRecord& snapshot : volumes_.table().snapshots(key)) names.push_back(snapshot.snapshot);
  const std::string pattern = config_text(volume, "snapshots.pattern");
  record.snapshot =
      request.name.empty() ? TRY(next_snapshot_name(pattern, names, record.created_at)) : request.name;
  TRY(check_snapshot_name(record.snapshot));
  if (std::find(names.begin(), names.end(), record.snapshot) != names.end())
    return Error(ErrorKind::kExists, "Snapshot \"" + record.snapshot + "\" already in use: " + key_text(key));
  record.expires_at = request.expires_at;
  if (!request.expires_at) {
    record.expires_at =
        TRY(expiry_time("snapshots.expiry", config_text(volume, "snapshots.expiry"), record.created_at));
  } else if (*request.expires_at == Timestamp()) {
    record.expires_at.reset();
  }
  return record;
}

Result<void> CustomVolumeSnapshots::make(VolumeRecord record, const std::function<Result<void>()>& fill) {
  Rollback undo;
  TRY(insert_volume(around_.database, record));
  undo.add([&] { (void)delete_volume(around_.database, record.id); });
  undo.add([&] {
    (void)around_.pools.remove_volume(record.key.pool, stored_snapshot(record.key, record.snapshot));
  });
  TRY(fill());
  TRY(set_volume_phase(around_.database, record.id, VolumePhase::kReady, ""));
  undo.commit();
  record.phase = VolumePhase::kReady;
  volumes_.table().put(record);
  return kOk;
}

void CustomVolumeSnapshots::discard(const VolumeKey& key) {
  for (const VolumeRecord& snapshot : volumes_.table().snapshots(key)) {
    volumes_.table().erase(key, snapshot.snapshot);
    (void)around_.pools.remove_volume(key.pool, stored_snapshot(key, snapshot.snapshot));
    (void)delete_volume(around_.database, snapshot.id);
  }
}

Result<OperationId> CustomVolumeSnapshots::create(const VolumeKey& key, const VolumeSnapshotCreate& request,
                                                  const Caller& caller) {
  TRY(new_record(key, request));
  return around_.operations.start(
      volume_request("Creating storage volume snapshot", key),
      [this, key, request, caller](const OperationHandle& operation) -> Result<void> {
        const auto claim = volumes_.table().claim({key});
        // Again: what was there before this one's turn counts.
        const VolumeRecord record = TRY(new_record(key, request));
        storage::Watch watch;
        watch.cancelled = [&operation] { return operation.cancel_requested(); };
        TRY(make(record, [&] {
          return copy_volume(around_.pools, volume_at(key), volume_snapshot_at(key, record.snapshot), watch);
        }));
        volumes_.tell("snapshot-created", key, tail_of(record.snapshot), caller);
        return kOk;
      });
}

Result<OperationId> CustomVolumeSnapshots::rename(const VolumeKey& key, const std::string& name, const std::string& to,
                                                  const Caller& caller) {
  TRY(check_snapshot_name(to));
  TRY(find(key, name));
  if (find(key, to).ok()) return Error(ErrorKind::kExists, "Snapshot \"" + to + "\" already in use: " + key_text(key));
  return around_.operations.start(volume_request("Renaming storage volume snapshot", key),
                                  [this, key, name, to, caller](const OperationHandle&) {
                                    return rename_now(key, name, to, caller);
                                  });
}

Result<void> CustomVolumeSnapshots::rename_now(const VolumeKey& key, const std::string& name, const std::string& to,
                                               const Caller& caller) {
  const auto claim = volumes_.table().claim({key});
  VolumeRecord record = TRY(volumes_.table().find_snapshot(key, name));
  if (find(key, to).ok()) return Error(ErrorKind::kExists, "Snapshot \"" + to + "\" already in use: " + key_text(key));
  TRY(around_.pools.access(key.pool));
  TRY(set_volume_phase(around_.database, record.id, VolumePhase::kRenaming, to));
  TRY(rename_volume(around_.pools, volume_snapshot_at(key, name), stored_snapshot(key, to)));
  record.snapshot = to;
  record.phase = VolumePhase::kReady;
  TRY(update_volume(around_.database, record));
  volumes_.table().erase(key, name);
  volumes_.table().put(record);
  volumes_.tell("snapshot-renamed", key, tail_of(to), caller);
  return kOk;
}

Result<void> CustomVolumeSnapshots::update(const VolumeKey& key, const std::string& name,
                                           const std::string& description, const std::optional<Timestamp>& expires_at,
                                           const Caller& caller) {
  const auto claim = TRY(volumes_.table().claim({key}, kPatience));
  VolumeRecord record = TRY(volumes_.table().find_snapshot(key, name));
  record.description = description;
  record.expires_at = expires_at;
  TRY(update_volume(around_.database, record));
  volumes_.table().put(record);
  volumes_.tell("snapshot-updated", key, tail_of(name), caller);
  return kOk;
}

Result<OperationId> CustomVolumeSnapshots::remove(const VolumeKey& key, const std::string& name,
                                                  const Caller& caller) {
  TRY(find(key, name));
  OperationRequest request = volume_request("Deleting storage volume snapshot", key);
  return around_.operations.start(std::move(request), [this, key, name, caller](const OperationHandle&) {
    return remove_now(key, name, caller);
  });
}

Result<void> CustomVolumeSnapshots::remove_now(const VolumeKey& key, const std::string& name, const Caller& caller) {
  const auto claim = volumes_.table().claim({key});
  return erase(TRY(volumes_.table().find_snapshot(key, name)), caller);
}

Result<void> CustomVolumeSnapshots::erase(const VolumeRecord& snapshot, const Caller& caller) {
  const VolumeKey& key = snapshot.key;
  TRY(around_.pools.access(key.pool));
  TRY(set_volume_phase(around_.database, snapshot.id, VolumePhase::kDeleting, ""));
  volumes_.table().erase(key, snapshot.snapshot);
  TRY(around_.pools.remove_volume(key.pool, stored_snapshot(key, snapshot.snapshot)));
  TRY(delete_volume(around_.database, snapshot.id));
  volumes_.tell("snapshot-deleted", key, tail_of(snapshot.snapshot), caller);
  return kOk;
}

Result<void> CustomVolumeSnapshots::restore(const VolumeKey& key, const std::string& name, const Caller& caller) {
  const auto claim = TRY(volumes_.table().claim({key}, kPatience));
  VolumeRecord volume = TRY(volumes_.table().find(key));
  TRY(volumes_.table().find_snapshot(key, name));
  TRY(volumes_.check_not_running(key, "Cannot restore custom volume used by running instances"));
  const VolumeAt incoming = incoming_volume_at(key);
  TRY(around_.pools.remove_volume(key.pool, incoming.volume));
  Rollback undo;
  undo.add([&] { (void)around_.pools.remove_volume(key.pool, incoming.volume); });
  TRY(copy_volume(around_.pools, volume_snapshot_at(key, name), incoming, {}));
  // Somebody may have started while it was copied, and would write to files that are about to go.
  TRY(volumes_.check_not_running(key, "Cannot restore custom volume used by running instances"));
  TRY(set_volume_phase(around_.database, volume.id, VolumePhase::kSwapping, ""));
  // From here on a restarted daemon finishes it.
  undo.commit();
  TRY(replace_root(around_.pools, incoming, volume_at(key)));
  if (volume.content == VolumeContent::kBlock) {
    const Bytes size = TRY(block_file_size(around_.pools, key));
    volume.config["size"] = std::to_string(size.value);
  }
  TRY(volumes_.apply_size(volume));
  volume.phase = VolumePhase::kReady;
  TRY(update_volume(around_.database, volume));
  volumes_.table().put(volume);
  volumes_.tell("restored", key, "", caller);
  return kOk;
}

std::optional<Timestamp> CustomVolumeSnapshots::next_expiry() const {
  std::optional<Timestamp> next;
  for (const VolumeRecord& volume : volumes_.table().volumes("", "")) {
    for (const VolumeRecord& snapshot : volumes_.table().snapshots(volume.key)) {
      if (snapshot.expires_at && (!next || *snapshot.expires_at < *next)) next = snapshot.expires_at;
    }
  }
  return next;
}

void CustomVolumeSnapshots::sweep(Timestamp now) {
  for (const VolumeRecord& volume : volumes_.table().volumes("", "")) {
    for (const VolumeRecord& snapshot : volumes_.table().snapshots(volume.key)) {
      if (!snapshot.expires_at || *snapshot.expires_at > now) continue;
      const auto removed = remove_now(volume.key, snapshot.snapshot, std::nullopt);
      if (!removed.ok() && removed.error().kind() != ErrorKind::kNotFound)
        around_.events.log({"eror", "cannot delete an expired snapshot: " + removed.error().message(), {}});
    }
  }
}

}  // namespace cella::manager
