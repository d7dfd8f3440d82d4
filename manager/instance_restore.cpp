#include "manager/instance_restore.h"

#include <algorithm>

#include "base/rollback.h"
#include "manager/claimed_work.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/instance_events.h"
#include "manager/instance_expansion.h"
#include "manager/instance_snapshots.h"
#include "manager/names.h"
#include "manager/projects.h"
#include "manager/volatile_keys.h"

namespace cella::manager {

Result<ApprovedInstance> InstanceRestore::restored_record(const CommitLock& commit, const InstanceRecord& present,
                                                          const SnapshotRecord& snapshot) const {
  InstanceRecord next = present;
  next.description = snapshot.description;
  next.ephemeral = snapshot.ephemeral;
  next.config = snapshot.config;
  next.devices = snapshot.devices;
  next.profiles = snapshot.profiles;
  // The snapshot may have come with a copy: its MAC addresses are then those of another instance.
  keep_volatile(next.config, present.config, HwaddrChange::kIgnored);
  auto approved = TRY(approve_instance(around_, commit, std::move(next)));
  if (approved.spec().root->pool != present.pool) {
    return invalid_value("pool", approved.spec().root->pool, "the instance's root volume is in " + present.pool);
  }
  TRY(approved.settle(
      [&](InstanceRecord& settled) { settle_device_keys(settled.config, approved.merged().devices); }));
  return approved;
}

Result<OperationId> InstanceRestore::restore(const std::string& instance, const std::string& snapshot,
                                             const Caller& caller) {
  auto claim = TRY(around_.set.claim(instance, InstanceWork::kRestore));
  const auto record = TRY(find_snapshot(around_.set, *claim.entry(), snapshot));
  {
    const CommitLock commit = around_.projects.commit(project_of(instance));
    TRY_CONTEXT("snapshot " + snapshot, restored_record(commit, around_.set.record(*claim.entry()), record));
  }
  return start_claimed(
      around_.operations, instance_request("Restoring snapshot", instance), std::move(claim),
      [this, instance, snapshot, caller](const EntryPtr& entry, const OperationHandle& operation) -> Result<void> {
        TRY(carry_out(entry, snapshot, operation));
        tell_of_instance(around_.events, "instance-restored", instance, caller,
                         {{"snapshot", short_name(instance) + "/" + snapshot}});
        return kOk;
      });
}

Result<void> InstanceRestore::carry_out(const EntryPtr& entry, const std::string& snapshot,
                                        const OperationHandle& operation) {
  const auto record = TRY(find_snapshot(around_.set, *entry, snapshot));
  const bool ran = around_.set.running(*entry) != nullptr;
  // As a restart: an ephemeral instance is not to be deleted by this end.
  if (ran) TRY(control_.stop(entry, {.intent = StopIntent::kRestart, .force = true}, operation));
  std::lock_guard run(entry->run);
  files_.end(*entry);
  auto swapped = swap(entry, record, operation);
  if (!ran) return swapped;
  auto started = launcher_.start(entry);
  if (!swapped.ok()) return swapped;
  if (started.ok()) {
    tell_of_instance(around_.events, "instance-started", around_.set.record(*entry).name, std::nullopt);
  }
  return started;
}

Result<void> InstanceRestore::swap(const EntryPtr& entry, const SnapshotRecord& snapshot,
                                   const OperationHandle& operation) {
  const auto present = around_.set.record(*entry);
  const auto incoming = incoming_at(present.pool, present.name);
  TRY(set_phase(around_.database, present.id, InstancePhase::kRestoring, snapshot.name));
  Rollback undo;
  undo.add([&] { (void)set_phase(around_.database, present.id, InstancePhase::kReady, ""); });
  TRY(around_.pools.remove_volume(incoming.pool, incoming.volume));
  TRY(copy_volume(around_.pools, snapshot_at(present.pool, present.name, snapshot.name), incoming,
                  watch_copy(operation, "fs", "Restore")));
  undo.add([&] { (void)around_.pools.remove_volume(incoming.pool, incoming.volume); });
  TRY(set_phase(around_.database, present.id, InstancePhase::kSwapping, snapshot.name));
  undo.commit();
  const auto next = TRY(finish(present, snapshot));
  auto merged = TRY(merge_instance(around_, next));
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    changed.record = next;
    changed.expanded_config = std::move(merged.config);
    changed.expanded_devices = std::move(merged.devices);
  });
  return kOk;
}

Result<void> InstanceRestore::replace(const EntryPtr& entry, const std::function<Result<void>(const VolumeAt&)>& fill) {
  const auto present = around_.set.record(*entry);
  const auto incoming = incoming_at(present.pool, present.name);
  // No snapshot has an empty name: that is how recover() tells this from a restore.
  TRY(set_phase(around_.database, present.id, InstancePhase::kRestoring, ""));
  Rollback undo;
  undo.add([&] { (void)set_phase(around_.database, present.id, InstancePhase::kReady, ""); });
  TRY(around_.pools.remove_volume(incoming.pool, incoming.volume));
  undo.add([&] { (void)around_.pools.remove_volume(incoming.pool, incoming.volume); });
  TRY(fill(incoming));
  TRY(set_phase(around_.database, present.id, InstancePhase::kSwapping, ""));
  undo.commit();
  TRY(finish_replacement(present));
  return kOk;
}

Result<InstanceRecord> InstanceRestore::finish_replacement(const InstanceRecord& present) {
  TRY(replace_root(around_.pools, incoming_at(present.pool, present.name), root_at(present.pool, present.name)));
  TRY(set_phase(around_.database, present.id, InstancePhase::kReady, ""));
  InstanceRecord ready = present;
  ready.phase = InstancePhase::kReady;
  ready.next_name.clear();
  const auto expanded = expand_instance(around_, ready);
  if (expanded.ok() && expanded->spec.root->size) {
    TRY(around_.pools.set_root_quota(ready.pool, ready.name, expanded->spec.root->size));
  }
  return ready;
}

Result<InstanceRecord> InstanceRestore::finish(const InstanceRecord& present, const SnapshotRecord& snapshot) {
  TRY(replace_root(around_.pools, incoming_at(present.pool, present.name), root_at(present.pool, present.name)));
  const auto end_phase = [](InstanceRecord& record) {
    record.phase = InstancePhase::kReady;
    record.next_name.clear();
  };
  InstanceRecord settled = present;
  end_phase(settled);
  {
    const CommitLock commit = around_.projects.commit(project_of(present.name));
    auto next = restored_record(commit, present, snapshot);
    if (next.ok()) {
      TRY(next->settle(end_phase));
      TRY(update_instance(around_.database, present, *next));
      settled = next->record();
    } else {
      // A profile or device that is gone since, or is forbidden now: the files are back, the configuration stays.
      TRY(update_instance(around_.database, present, settled));
    }
  }
  const auto expanded = expand_instance(around_, settled);
  if (expanded.ok() && expanded->spec.root->size) {
    TRY(around_.pools.set_root_quota(settled.pool, settled.name, expanded->spec.root->size));
  }
  return settled;
}

Result<InstanceRecord> InstanceRestore::recover(const InstanceRecord& record,
                                                const std::vector<SnapshotRecord>& snapshots) {
  if (record.phase == InstancePhase::kSwapping && record.next_name.empty()) return finish_replacement(record);
  if (record.phase == InstancePhase::kSwapping) {
    const auto found = std::find_if(snapshots.begin(), snapshots.end(),
                                    [&](const auto& snapshot) { return snapshot.name == record.next_name; });
    if (found == snapshots.end()) {
      return Error(ErrorKind::kInternal, "snapshot " + record.next_name + " that was being restored has no record");
    }
    return finish(record, *found);
  }
  const auto incoming = incoming_at(record.pool, record.name);
  TRY(around_.pools.remove_volume(incoming.pool, incoming.volume));
  TRY(set_phase(around_.database, record.id, InstancePhase::kReady, ""));
  InstanceRecord ready = record;
  ready.phase = InstancePhase::kReady;
  ready.next_name.clear();
  return ready;
}

}  // namespace cella::manager
