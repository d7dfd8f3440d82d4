#include "manager/instance_snapshots.h"

#include <algorithm>

#include "base/rollback.h"
#include "manager/claimed_work.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/instance_events.h"
#include "manager/instance_expansion.h"
#include "manager/names.h"
#include "manager/projects.h"
#include "manager/snapshot_names.h"

namespace cella::manager {
namespace {

Error not_found(const std::string& instance, const std::string& name) {
  return Error(ErrorKind::kNotFound, "Instance snapshot not found: " + short_name(instance) + "/" + name);
}

InstanceRecord as_instance(const std::string& name, const SnapshotRecord& record) {
  InstanceRecord instance;
  instance.name = name;
  instance.config = record.config;
  instance.devices = record.devices;
  instance.profiles = record.profiles;
  return instance;
}

std::string config_text(const InstanceSet& set, const InstanceEntry& entry, const std::string& key) {
  std::shared_lock lock(set.mutex());
  const auto found = entry.expanded_config.find(key);
  return found == entry.expanded_config.end() ? std::string() : found->second;
}

std::vector<std::string> names_of(const InstanceSet& set, const InstanceEntry& entry) {
  std::shared_lock lock(set.mutex());
  std::vector<std::string> names;
  for (const auto& snapshot : entry.snapshots) names.push_back(snapshot.name);
  return names;
}

}  // namespace

storage::Watch watch_copy(const OperationHandle& operation, const std::string& key, const std::string& word) {
  auto last = std::make_shared<std::uint64_t>(0);
  storage::Watch watch;
  watch.progress = [operation, last, key, word](std::uint64_t done, std::uint64_t total) {
    const auto percent = total == 0 ? 0 : done * 100 / total;
    if (percent == *last) return;
    *last = percent;
    operation.set_metadata(key + "_progress", word + ": " + std::to_string(percent) + "%");
  };
  watch.cancelled = [operation] { return operation.cancel_requested(); };
  return watch;
}

Result<SnapshotRecord> find_snapshot(const InstanceSet& set, const InstanceEntry& entry, const std::string& name) {
  std::shared_lock lock(set.mutex());
  for (const auto& snapshot : entry.snapshots) {
    if (snapshot.name == name && snapshot.phase == SnapshotPhase::kReady) return snapshot;
  }
  return not_found(entry.record.name, name);
}

std::vector<Snapshot> InstanceSnapshots::list(const InstanceEntry& entry) const {
  std::vector<SnapshotRecord> records;
  std::string instance;
  {
    std::shared_lock lock(around_.set.mutex());
    records = entry.snapshots;
    instance = entry.record.name;
  }
  std::vector<Snapshot> snapshots;
  for (auto& record : records) {
    if (record.phase == SnapshotPhase::kCreating) continue;
    Snapshot snapshot;
    // One whose profiles are gone is shown with what it says itself.
    auto merged = merge_instance(around_, as_instance(instance, record));
    snapshot.expanded_config = merged.ok() ? std::move(merged->config) : record.config;
    snapshot.expanded_devices = merged.ok() ? std::move(merged->devices) : record.devices;
    snapshot.record = std::move(record);
    snapshots.push_back(std::move(snapshot));
  }
  return snapshots;
}

Result<std::vector<Snapshot>> InstanceSnapshots::list(const std::string& instance) const {
  return list(*TRY(around_.set.find(instance)));
}

Result<Snapshot> InstanceSnapshots::find(const std::string& instance, const std::string& name) const {
  for (auto& snapshot : TRY(list(instance))) {
    if (snapshot.record.name == name) return snapshot;
  }
  return not_found(instance, name);
}

void InstanceSnapshots::put(const EntryPtr& entry, const SnapshotRecord& record) {
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    for (auto& present : changed.snapshots) {
      if (present.id != record.id) continue;
      present = record;
      return;
    }
    changed.snapshots.push_back(record);
  });
}

void InstanceSnapshots::erase(const EntryPtr& entry, std::int64_t id) {
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    std::erase_if(changed.snapshots, [&](const auto& snapshot) { return snapshot.id == id; });
  });
}

void InstanceSnapshots::tell(const char* action, const std::string& instance, const std::string& name,
                             const Caller& caller, Value::Object context) {
  tell_of_instance(around_.events, action, instance, caller, std::move(context), "/snapshots/" + name);
}

Result<SnapshotRecord> InstanceSnapshots::make_record(const EntryPtr& entry, const SnapshotCreate& request) const {
  if (request.stateful) return Error(ErrorKind::kUnsupported, "stateful: a container's memory cannot be saved");
  const auto instance = around_.set.record(*entry);
  TRY(around_.projects.check_snapshots_allowed(project_of(instance.name)));
  const auto present = names_of(around_.set, *entry);
  SnapshotRecord record;
  record.instance_id = instance.id;
  record.created_at = std::chrono::system_clock::now();
  record.name = request.name;
  if (record.name.empty()) {
    const auto pattern = config_text(around_.set, *entry, "snapshots.pattern");
    record.name = TRY(next_snapshot_name(pattern, present, record.created_at));
  }
  TRY(check_snapshot_name(record.name));
  if (std::find(present.begin(), present.end(), record.name) != present.end()) {
    return Error(ErrorKind::kExists,
                 "Snapshot \"" + short_name(instance.name) + "/" + record.name + "\" already exists");
  }
  const std::string expiry_key = "snapshots.expiry";
  record.expires_at =
      request.expires_at
          ? *request.expires_at
          : TRY(expiry_time(expiry_key, config_text(around_.set, *entry, expiry_key), record.created_at));
  record.description = instance.description;
  record.architecture = instance.architecture;
  record.ephemeral = instance.ephemeral;
  record.last_used_at = instance.last_used_at;
  record.config = instance.config;
  record.devices = instance.devices;
  record.profiles = instance.profiles;
  return record;
}

Result<OperationId> InstanceSnapshots::create(const std::string& instance, const SnapshotCreate& request,
                                              const Caller& caller) {
  auto claim = TRY(around_.set.claim(instance, InstanceWork::kSnapshot));
  auto record = TRY(make_record(claim.entry(), request));
  auto work = instance_request("Snapshotting instance", instance);
  work.may_cancel = true;
  return start_claimed(
      around_.operations, std::move(work), std::move(claim),
      [this, record = std::move(record), caller](const EntryPtr& entry, const OperationHandle& operation) {
        std::lock_guard run(entry->run);
        return make(entry, record, caller, operation);
      });
}

Result<void> InstanceSnapshots::take(const EntryPtr& entry, const OperationHandle& operation) {
  return make(entry, TRY(make_record(entry, {})), std::nullopt, operation);
}

Result<void> InstanceSnapshots::make(const EntryPtr& entry, SnapshotRecord record, const Caller& caller,
                                     const OperationHandle& operation) {
  const auto instance = around_.set.record(*entry);
  {
    auto pause = TRY(InstancePause::begin(around_, entry));
    TRY(adopt(entry, record, root_at(instance.pool, instance.name), watch_copy(operation, "fs", "Snapshot")));
  }
  tell("instance-snapshot-created", instance.name, record.name, caller);
  return kOk;
}

Result<void> InstanceSnapshots::adopt(const EntryPtr& entry, SnapshotRecord record, const VolumeAt& volume,
                                      const storage::Watch& watch) {
  const auto instance = around_.set.record(*entry);
  record.instance_id = instance.id;
  record.phase = SnapshotPhase::kCreating;
  record.id = TRY(insert_snapshot(around_.database, record));
  Rollback undo;
  undo.add([&] { (void)delete_snapshot(around_.database, record.id); });
  const auto place = snapshot_at(instance.pool, instance.name, record.name);
  if (is_incoming(volume)) {
    TRY(rename_volume(around_.pools, volume, place.volume));
  } else {
    TRY(copy_volume(around_.pools, volume, place, watch));
  }
  undo.add([&] { (void)around_.pools.remove_volume(place.pool, place.volume); });
  record.phase = SnapshotPhase::kReady;
  TRY(update_snapshot(around_.database, record));
  undo.commit();
  put(entry, record);
  return kOk;
}

Result<OperationId> InstanceSnapshots::rename(const std::string& instance, const std::string& name,
                                              const std::string& to, const Caller& caller) {
  TRY(check_snapshot_name(to));
  auto claim = TRY(around_.set.claim(instance, InstanceWork::kSnapshot));
  TRY(find_snapshot(around_.set, *claim.entry(), name));
  if (find_snapshot(around_.set, *claim.entry(), to).ok()) {
    return Error(ErrorKind::kExists, "Snapshot \"" + short_name(instance) + "/" + to + "\" already exists");
  }
  return start_claimed(around_.operations, instance_request("Renaming snapshot", instance), std::move(claim),
                       [this, name, to, caller](const EntryPtr& entry, const OperationHandle&) {
                         return rename_now(entry, name, to, caller);
                       });
}

Result<void> InstanceSnapshots::rename_now(const EntryPtr& entry, const std::string& name, const std::string& to,
                                           const Caller& caller) {
  const auto instance = around_.set.record(*entry);
  const auto present = TRY(find_snapshot(around_.set, *entry, name));
  auto renaming = present;
  renaming.phase = SnapshotPhase::kRenaming;
  renaming.next_name = to;
  TRY(update_snapshot(around_.database, renaming));
  auto renamed = finish_rename(instance, renaming);
  if (!renamed.ok()) {
    (void)update_snapshot(around_.database, present);
    return std::move(renamed).error();
  }
  put(entry, *renamed);
  tell("instance-snapshot-renamed", instance.name, to, caller, {{"old_name", short_name(instance.name) + "/" + name}});
  return kOk;
}

Result<SnapshotRecord> InstanceSnapshots::finish_rename(const InstanceRecord& instance, SnapshotRecord record) {
  const auto to = snapshot_at(instance.pool, instance.name, record.next_name);
  const auto moved = rename_volume(around_.pools, snapshot_at(instance.pool, instance.name, record.name), to.volume);
  // A daemon that was killed after the volume had moved finds it under its new name.
  if (!moved.ok() && moved.error().kind() != ErrorKind::kNotFound) return moved.error();
  record.name = std::exchange(record.next_name, {});
  record.phase = SnapshotPhase::kReady;
  TRY(update_snapshot(around_.database, record));
  return record;
}

Result<OperationId> InstanceSnapshots::remove(const std::string& instance, const std::string& name,
                                              const Caller& caller) {
  auto claim = TRY(around_.set.claim(instance, InstanceWork::kSnapshot));
  TRY(find_snapshot(around_.set, *claim.entry(), name));
  return start_claimed(
      around_.operations, instance_request("Deleting snapshot", instance + "/" + name), std::move(claim),
      [this, name, caller](const EntryPtr& entry, const OperationHandle&) { return remove_now(entry, name, caller); });
}

Result<void> InstanceSnapshots::remove_now(const EntryPtr& entry, const std::string& name, const Caller& caller) {
  const auto instance = around_.set.record(*entry);
  auto record = TRY(find_snapshot(around_.set, *entry, name));
  record.phase = SnapshotPhase::kDeleting;
  TRY(update_snapshot(around_.database, record));
  TRY(finish_removal(instance, record));
  erase(entry, record.id);
  tell("instance-snapshot-deleted", instance.name, name, caller);
  return kOk;
}

Result<void> InstanceSnapshots::finish_removal(const InstanceRecord& instance, const SnapshotRecord& record) {
  const auto place = snapshot_at(instance.pool, instance.name, record.name);
  TRY(around_.pools.remove_volume(place.pool, place.volume));
  return delete_snapshot(around_.database, record.id);
}

Result<OperationId> InstanceSnapshots::set_expiry(const std::string& instance, const std::string& name,
                                                  std::optional<Timestamp> expires_at, const Caller& caller) {
  auto claim = TRY(around_.set.claim(instance, InstanceWork::kSnapshot));
  TRY(find_snapshot(around_.set, *claim.entry(), name));
  return start_claimed(
      around_.operations, instance_request("Updating snapshot", instance + "/" + name), std::move(claim),
      [this, instance, name, expires_at, caller](const EntryPtr& entry, const OperationHandle&) -> Result<void> {
        auto record = TRY(find_snapshot(around_.set, *entry, name));
        record.expires_at = expires_at;
        TRY(update_snapshot(around_.database, record));
        put(entry, record);
        tell("instance-snapshot-updated", instance, name, caller);
        return kOk;
      });
}

Result<std::vector<SnapshotRecord>> InstanceSnapshots::recover(const InstanceRecord& instance,
                                                               std::vector<SnapshotRecord> snapshots) {
  std::vector<SnapshotRecord> left;
  for (auto& record : snapshots) {
    switch (record.phase) {
      case SnapshotPhase::kCreating:
      case SnapshotPhase::kDeleting:
        TRY(finish_removal(instance, record));
        break;
      case SnapshotPhase::kRenaming:
        left.push_back(TRY(finish_rename(instance, std::move(record))));
        break;
      case SnapshotPhase::kReady:
        left.push_back(std::move(record));
        break;
    }
  }
  return left;
}

void InstanceSnapshots::remove_expired(Timestamp now) {
  for (const auto& entry : around_.set.list()) {
    std::vector<std::string> expired;
    {
      std::shared_lock lock(around_.set.mutex());
      for (const auto& snapshot : entry->snapshots) {
        if (snapshot.expires_at && *snapshot.expires_at <= now) expired.push_back(snapshot.name);
      }
    }
    for (const auto& name : expired) {
      const auto instance = around_.set.record(*entry).name;
      const auto claim = around_.set.claim(instance, InstanceWork::kSnapshot);
      if (!claim.ok() || claim->entry() != entry) break;  // the next look finds it again
      const auto removed = remove_now(entry, name, std::nullopt);
      if (!removed.ok()) {
        around_.events.log({"eror",
                            "cannot delete expired snapshot " + name + ": " + removed.error().message(),
                            {{"instance", instance}}});
      }
    }
  }
}

std::optional<Timestamp> InstanceSnapshots::next_expiry() const {
  std::optional<Timestamp> next;
  const auto entries = around_.set.list();
  std::shared_lock lock(around_.set.mutex());
  for (const auto& entry : entries) {
    for (const auto& snapshot : entry->snapshots) {
      if (snapshot.expires_at && (!next || *snapshot.expires_at < *next)) next = snapshot.expires_at;
    }
  }
  return next;
}

}  // namespace cella::manager
