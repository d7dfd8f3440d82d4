#include "manager/instance_refresh.h"

#include <algorithm>

#include "manager/claimed_work.h"
#include "manager/device_rules.h"
#include "manager/instance_events.h"
#include "manager/volume_copies.h"

namespace cella::manager {
namespace {

bool same_snapshot(const SnapshotRecord& a, const SnapshotRecord& b) {
  using std::chrono::floor;
  using std::chrono::seconds;
  return a.name == b.name && floor<seconds>(a.created_at) == floor<seconds>(b.created_at);
}

bool contains(const std::vector<SnapshotRecord>& snapshots, const SnapshotRecord& wanted) {
  return std::any_of(snapshots.begin(), snapshots.end(),
                     [&](const SnapshotRecord& snapshot) { return same_snapshot(snapshot, wanted); });
}

std::vector<SnapshotRecord> ready_snapshots(const InstanceSnapshots& snapshots, const EntryPtr& entry) {
  std::vector<SnapshotRecord> records;
  for (auto& snapshot : snapshots.list(*entry)) {
    if (snapshot.record.phase == SnapshotPhase::kReady) records.push_back(std::move(snapshot.record));
  }
  return records;
}

}  // namespace

SnapshotChanges compare_snapshots(const std::vector<SnapshotRecord>& source, const std::vector<SnapshotRecord>& copy) {
  SnapshotChanges changes;
  for (const SnapshotRecord& snapshot : source) {
    if (!contains(copy, snapshot)) changes.missing.push_back(snapshot);
  }
  for (const SnapshotRecord& snapshot : copy) {
    if (!contains(source, snapshot)) changes.stale.push_back(snapshot.name);
  }
  return changes;
}

void settle_root_pool(Devices& devices, const Devices& instance) {
  const auto root = find_root_disk(instance);
  if (!root.ok() || *root == nullptr) return;
  const auto old = find_root_disk(devices);
  if (old.ok() && *old != nullptr) devices.erase(std::string((*old)->first));
  devices[(*root)->first] = (*root)->second;
}

Result<InstanceSet::Claim> InstanceRefresh::claim(const std::string& name) {
  auto claim = TRY(around_.set.claim(name, InstanceWork::kCopy));
  if (around_.set.running(*claim.entry()) != nullptr) {
    return Error(ErrorKind::kInvalid, "Instance \"" + short_name(name) + "\" must be stopped to be refreshed");
  }
  return claim;
}

Result<OperationId> InstanceRefresh::refresh(const std::string& name, const CopyFrom& source, const Caller& caller) {
  if (name == source.instance) return invalid_value("source.source", source.instance, "is the instance itself");
  auto from = std::make_shared<std::optional<InstanceSet::Claim>>(
      TRY(around_.set.claim(source.instance, InstanceWork::kCopy)));
  auto to = TRY(claim(name));
  if (!source.snapshot.empty()) TRY(find_snapshot(around_.set, *(*from)->entry(), source.snapshot));
  auto request = instance_request("Creating instance", name);
  request.may_cancel = true;
  return start_claimed(
      around_.operations, std::move(request), std::move(to),
      [this, from, source, name, caller](const EntryPtr& entry, const OperationHandle& operation) -> Result<void> {
        auto outcome = carry_out((*from)->entry(), entry, source, operation);
        from->reset();
        TRY(std::move(outcome));
        tell_of_instance(around_.events, "instance-updated", name, caller);
        return kOk;
      });
}

Result<void> InstanceRefresh::carry_out(const EntryPtr& source, const EntryPtr& copy, const CopyFrom& from,
                                        const OperationHandle& operation) {
  const auto original = around_.set.record(*source);
  const auto record = around_.set.record(*copy);
  const auto watch = watch_copy(operation, "fs", "Refresh");
  SnapshotChanges changes;
  if (from.snapshot.empty() && !from.instance_only)
    changes = compare_snapshots(ready_snapshots(snapshots_, source), ready_snapshots(snapshots_, copy));
  const auto incoming = incoming_at(record.pool, record.name);
  for (const SnapshotRecord& snapshot : changes.missing) {
    TRY(around_.pools.remove_volume(incoming.pool, incoming.volume));
    TRY(copy_volume(around_.pools, snapshot_at(original.pool, original.name, snapshot.name), incoming, watch));
    TRY(put_snapshot(copy, snapshot, watch));
  }
  TRY(replace_root(copy, [&](const VolumeAt& place) -> Result<void> {
    if (from.snapshot.empty()) return copies_.copy_root(source, place, operation);
    return copy_volume(around_.pools, snapshot_at(original.pool, original.name, from.snapshot), place, watch);
  }));
  return remove_stale(copy, changes);
}

Result<void> InstanceRefresh::put_snapshot(const EntryPtr& entry, SnapshotRecord snapshot,
                                           const storage::Watch& watch) {
  const auto record = around_.set.record(*entry);
  if (find_snapshot(around_.set, *entry, snapshot.name).ok())
    TRY(snapshots_.remove_now(entry, snapshot.name, std::nullopt));
  settle_root_pool(snapshot.devices, record.devices);
  return snapshots_.adopt(entry, std::move(snapshot), incoming_at(record.pool, record.name), watch);
}

Result<void> InstanceRefresh::remove_stale(const EntryPtr& entry, const SnapshotChanges& changes) {
  for (const std::string& name : changes.stale) {
    const bool replaced = std::any_of(changes.missing.begin(), changes.missing.end(),
                                      [&](const SnapshotRecord& snapshot) { return snapshot.name == name; });
    if (!replaced) TRY(snapshots_.remove_now(entry, name, std::nullopt));
  }
  return kOk;
}

Result<void> InstanceRefresh::replace_root(const EntryPtr& entry,
                                           const std::function<Result<void>(const VolumeAt&)>& fill) {
  const std::lock_guard run(entry->run);
  files_.end(*entry);
  return restore_.replace(entry, fill);
}

}  // namespace cella::manager
