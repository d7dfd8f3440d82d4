#include "manager/instance_copies.h"

#include "base/rollback.h"
#include "manager/claimed_work.h"
#include "manager/database.h"
#include "manager/device_rules.h"
#include "manager/events.h"
#include "manager/instance_approval.h"
#include "manager/instance_events.h"
#include "manager/instance_expansion.h"
#include "manager/instance_refresh.h"
#include "manager/names.h"
#include "manager/volume_copies.h"

namespace cella::manager {
namespace {

// What a copy takes over from its source. Volatile keys are the source's own, but for the image it came from.
bool is_taken_over(const std::string& key) { return !key.starts_with("volatile."); }

struct CopySource {
  EntryPtr entry;
  std::string base_image;
  Config config;
  Devices devices;
  std::vector<std::string> profiles;
  std::string description;
};

std::string base_image(const Config& config) {
  const auto found = config.find("volatile.base_image");
  return found == config.end() ? std::string() : found->second;
}

Result<CopySource> find_source(const InstanceSet& set, const InstanceEntry& entry, const CopyFrom& from) {
  CopySource source;
  if (from.snapshot.empty()) {
    const auto record = set.record(entry);
    source.config = record.config;
    source.devices = record.devices;
    source.profiles = record.profiles;
    source.description = record.description;
  } else {
    const auto record = TRY(find_snapshot(set, entry, from.snapshot));
    source.config = record.config;
    source.devices = record.devices;
    source.profiles = record.profiles;
    source.description = record.description;
  }
  source.base_image = base_image(source.config);
  return source;
}

InstanceCreate completed(InstanceCreate request, const CopySource& source) {
  std::erase_if(request.put.config, [](const auto& entry) { return !is_taken_over(entry.first); });
  for (const auto& [key, value] : source.config) {
    if (is_taken_over(key)) request.put.config.try_emplace(key, value);
  }
  for (const auto& [name, device] : source.devices) request.put.devices.try_emplace(name, device);
  if (!request.profiles_given) request.put.profiles = source.profiles;
  request.profiles_given = true;
  if (request.put.description.empty()) request.put.description = source.description;
  return request;
}

}  // namespace

Result<OperationId> InstanceCopies::copy(const InstanceCreate& request, const Caller& caller) {
  auto claim = TRY(around_.set.claim(request.copy->instance, InstanceWork::kCopy));
  const auto source = TRY(find_source(around_.set, *claim.entry(), *request.copy));
  const auto whole = completed(request, source);
  auto record = TRY(creation_.make_record(whole));
  // The image's templates for "copy" are rendered at the first start.
  record.config["volatile.apply_template"] = "copy";
  InstanceCreation::NewRoot root;
  root.base_image = source.base_image;
  root.may_cancel = true;
  root.involved = {request.copy->instance};
  const auto held = std::make_shared<std::optional<InstanceSet::Claim>>(std::move(claim));
  root.fill = [this, held, whole](const EntryPtr& target, const OperationHandle& operation) {
    const auto entry = (*held)->entry();
    auto outcome = fill(entry, whole, target, operation);
    held->reset();
    return outcome;
  };
  return creation_.create_as(std::move(record), request.name, std::move(root), caller);
}

Result<void> InstanceCopies::fill(const EntryPtr& source, const InstanceCreate& request, const EntryPtr& target,
                                  const OperationHandle& operation) {
  const auto from = around_.set.record(*source);
  const auto to = around_.set.record(*target);
  const auto watch = watch_copy(operation, "fs", "Copy");
  const auto place = root_at(to.pool, to.name);
  if (!request.copy->snapshot.empty()) {
    return copy_volume(around_.pools, snapshot_at(from.pool, from.name, request.copy->snapshot), place, watch);
  }
  TRY(copy_root(source, place, operation));
  if (request.copy->instance_only) return kOk;
  return copy_snapshots(source, target, operation);
}

Result<void> InstanceCopies::copy_root(const EntryPtr& source, const VolumeAt& place,
                                       const OperationHandle& operation) {
  const auto from = around_.set.record(*source);
  const auto watch = watch_copy(operation, "fs", "Copy");
  std::lock_guard run(source->run);
  files_.end(*source);
  const auto pause = TRY(InstancePause::begin(around_, source));
  if (from.pool == place.pool || around_.set.running(*source) == nullptr) {
    return copy_volume(around_.pools, root_at(from.pool, from.name), place, watch);
  }
  // The root of a running container is not to be mounted a second time: by way of a copy in its own pool.
  const auto still = incoming_at(from.pool, from.name);
  TRY(around_.pools.remove_volume(still.pool, still.volume));
  TRY(copy_volume(around_.pools, root_at(from.pool, from.name), still, watch));
  const auto copied = copy_volume(around_.pools, still, place, watch);
  TRY(around_.pools.remove_volume(still.pool, still.volume));
  return copied;
}

Result<void> InstanceCopies::copy_snapshots(const EntryPtr& source, const EntryPtr& target,
                                            const OperationHandle& operation) {
  const auto from = around_.set.record(*source);
  const auto to = around_.set.record(*target);
  for (const auto& snapshot : snapshots_.list(*source)) {
    if (snapshot.record.phase != SnapshotPhase::kReady) continue;
    SnapshotRecord record = snapshot.record;
    settle_root_pool(record.devices, to.devices);
    TRY(snapshots_.adopt(target, record, snapshot_at(from.pool, from.name, record.name),
                         watch_copy(operation, "fs", "Copy " + record.name)));
  }
  return kOk;
}

Result<OperationId> InstanceCopies::move(const std::string& name, const std::string& to, const std::string& pool,
                                         const Caller& caller) {
  const std::string new_name = to.empty() ? name : to;
  TRY(check_instance_name(short_name(new_name)));
  if (new_name != name && around_.set.find(new_name).ok()) {
    return Error(ErrorKind::kExists, "instance " + short_name(new_name) + " already exists");
  }
  TRY(around_.pools.find(pool));
  auto claim = TRY(around_.set.claim(name, InstanceWork::kCopy));
  if (around_.set.running(*claim.entry()) != nullptr) {
    return Error(ErrorKind::kInvalid, "Instance must be stopped to be moved to another pool");
  }
  if (around_.set.record(*claim.entry()).pool == pool) {
    return Error(ErrorKind::kInvalid, "Requested storage pool is the same as current pool");
  }
  TRY(moved_record(claim.entry(), pool));
  return start_claimed(
      around_.operations, instance_request("Migrating instance", name), std::move(claim),
      [this, name, new_name, pool, caller](const EntryPtr& entry, const OperationHandle& operation) -> Result<void> {
        std::lock_guard run(entry->run);
        files_.end(*entry);
        TRY(move_now(entry, pool, operation));
        if (new_name != name) TRY(removal_.rename_now(entry, new_name));
        tell_of_instance(around_.events, "instance-updated", new_name, caller);
        return kOk;
      });
}

Result<InstanceRecord> InstanceCopies::moved_record(const EntryPtr& entry, const std::string& pool) const {
  auto record = around_.set.record(*entry);
  Devices expanded;
  {
    std::shared_lock lock(around_.set.mutex());
    expanded = entry->expanded_devices;
  }
  const auto root = TRY(find_root_disk(expanded));
  if (root == nullptr) return Error(ErrorKind::kInvalid, "No root device could be found");
  record.devices[root->first] = root->second;
  record.devices[root->first]["pool"] = pool;
  TRY(expand_instance(around_, record));
  record.pool = pool;
  return record;
}

Result<void> InstanceCopies::copy_volumes(const InstanceRecord& from, const InstanceRecord& to,
                                          const OperationHandle& operation) {
  TRY(copy_volume(around_.pools, root_at(from.pool, from.name), root_at(to.pool, from.name),
                  watch_copy(operation, "fs", "Move")));
  for (const auto& snapshot : TRY(load_snapshots(around_.database, from.id))) {
    TRY(copy_volume(around_.pools, snapshot_at(from.pool, from.name, snapshot.name),
                    snapshot_at(to.pool, from.name, snapshot.name),
                    watch_copy(operation, "fs", "Move " + snapshot.name)));
  }
  const auto expanded = TRY(expand_instance(around_, to));
  if (expanded.spec.root->size) TRY(around_.pools.set_root_quota(to.pool, to.name, expanded.spec.root->size));
  return kOk;
}

Result<void> InstanceCopies::move_now(const EntryPtr& entry, const std::string& pool,
                                      const OperationHandle& operation) {
  const auto present = around_.set.record(*entry);
  auto next = TRY(moved_record(entry, pool));
  TRY(set_phase(around_.database, present.id, InstancePhase::kMoving, pool));
  Rollback undo;
  undo.add([&] { (void)set_phase(around_.database, present.id, InstancePhase::kReady, ""); });
  undo.add([&] { (void)remove_volumes(around_, present, pool); });
  TRY(copy_volumes(present, next, operation));
  next.phase = InstancePhase::kLeaving;
  next.next_name = present.pool;
  {
    const CommitLock commit = around_.projects.commit(project_of(present.name));
    auto approved = TRY(approve_instance(around_, commit, next));
    auto transaction = TRY(around_.database.begin());
    TRY(update_instance(around_.database, present, approved));
    for (auto snapshot : TRY(load_snapshots(around_.database, present.id))) {
      settle_root_pool(snapshot.devices, next.devices);
      TRY(update_snapshot_devices(around_.database, snapshot));
    }
    TRY(transaction.commit());
  }
  undo.commit();
  auto settled = TRY(recover(next));
  auto merged = TRY(merge_instance(around_, settled));
  auto snapshots = TRY(load_snapshots(around_.database, present.id));
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    changed.record = std::move(settled);
    changed.expanded_config = std::move(merged.config);
    changed.expanded_devices = std::move(merged.devices);
    changed.snapshots = std::move(snapshots);
  });
  return kOk;
}

Result<InstanceRecord> InstanceCopies::recover(const InstanceRecord& record) {
  // next_name is the pool that is not, or no longer, the instance's.
  TRY(remove_volumes(around_, record, record.next_name));
  TRY(set_phase(around_.database, record.id, InstancePhase::kReady, ""));
  InstanceRecord ready = record;
  ready.phase = InstancePhase::kReady;
  ready.next_name.clear();
  return ready;
}

}  // namespace cella::manager
