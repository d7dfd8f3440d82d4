#include "manager/instance_removal.h"

#include "manager/claimed_work.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/instance_approval.h"
#include "manager/instance_events.h"
#include "manager/instance_files.h"
#include "manager/instance_logs.h"
#include "manager/names.h"
#include "manager/networks.h"
#include "manager/pools.h"
#include "manager/volume_copies.h"

namespace cella::manager {
namespace {

bool is_protected(const InstanceSet& set, const InstanceEntry& entry) {
  std::shared_lock lock(set.mutex());
  const auto found = entry.expanded_config.find("security.protection.delete");
  if (found == entry.expanded_config.end()) return false;
  const auto value = parse_bool(found->first, found->second);
  return value.ok() && *value;
}

}  // namespace

Result<void> remove_volumes(const InstanceSurroundings& around, const InstanceRecord& record, const std::string& pool) {
  for (const auto& snapshot : TRY(load_snapshots(around.database, record.id))) {
    for (const auto& name : {snapshot.name, snapshot.next_name}) {
      if (!name.empty()) TRY(around.pools.remove_volume(pool, snapshot_at(pool, record.name, name).volume));
    }
  }
  TRY(around.pools.remove_volume(pool, incoming_at(pool, record.name).volume));
  return around.pools.remove_root(pool, record.name);
}

Result<OperationId> InstanceRemoval::remove(const std::string& name, const Caller& caller) {
  auto claim = TRY(around_.set.claim(name, InstanceWork::kDelete));
  if (around_.set.running(*claim.entry()) != nullptr) return Error(ErrorKind::kInvalid, "Instance is running");
  if (is_protected(around_.set, *claim.entry())) return Error(ErrorKind::kInvalid, "Instance is protected");
  return start_claimed(around_.operations, instance_request("Deleting instance", name), std::move(claim),
                       [this, caller](const EntryPtr& entry, const OperationHandle&) {
                         std::lock_guard run(entry->run);
                         return remove_now(entry, caller);
                       });
}

Result<void> InstanceRemoval::remove_now(const EntryPtr& entry, const Caller& caller) {
  files_.end(*entry);
  const auto record = around_.set.record(*entry);
  TRY(set_phase(around_.database, record.id, InstancePhase::kDeleting, ""));
  around_.set.change(*entry, [](InstanceEntry& changed) { changed.record.phase = InstancePhase::kDeleting; });
  TRY(finish_removal(record));
  around_.set.erase(entry);
  tell_of_instance(around_.events, "instance-deleted", record.name, caller);
  return kOk;
}

Result<void> InstanceRemoval::finish_removal(const InstanceRecord& record) {
  TRY(remove_volumes(around_, record, record.pool));
  TRY(around_.networks.forget_instance(record.name));
  TRY(around_.logs.remove(record.name));
  return delete_instance(around_.database, record.id);
}

Result<OperationId> InstanceRemoval::rename(const std::string& name, const std::string& to, const Caller& caller) {
  TRY(check_instance_name(short_name(to)));
  if (around_.set.find(to).ok()) {
    return Error(ErrorKind::kExists, "instance " + short_name(to) + " already exists");
  }
  auto claim = TRY(around_.set.claim(name, InstanceWork::kRename));
  if (around_.set.running(*claim.entry()) != nullptr) {
    return Error(ErrorKind::kInvalid, "Renaming of running instance not allowed");
  }
  TRY(check_move(around_.set.record(*claim.entry()), to, around_.projects.commit(project_of(to))));
  return start_claimed(around_.operations, instance_request("Renaming instance", name), std::move(claim),
                       [this, name, to, caller](const EntryPtr& entry, const OperationHandle&) -> Result<void> {
                         std::lock_guard run(entry->run);
                         TRY(rename_now(entry, to));
                         tell_of_instance(around_.events, "instance-renamed", to, caller,
                                          {{"old_name", short_name(name)}});
                         return kOk;
                       });
}

Result<void> InstanceRemoval::rename_now(const EntryPtr& entry, const std::string& to) {
  files_.end(*entry);
  auto record = around_.set.record(*entry);
  {
    const CommitLock commit = around_.projects.commit(project_of(to));
    TRY(check_move(record, to, commit));
    // The new name is taken in memory first, so that nobody creates an instance of that name meanwhile.
    TRY(around_.set.rename(entry, to));
  }
  const auto carry_out = [&]() -> Result<InstanceRecord> {
    TRY(set_phase(around_.database, record.id, InstancePhase::kRenaming, to));
    InstanceRecord renaming = record;
    renaming.phase = InstancePhase::kRenaming;
    renaming.next_name = to;
    auto renamed = finish_rename(renaming);
    if (!renamed.ok()) (void)set_phase(around_.database, record.id, InstancePhase::kReady, "");
    return renamed;
  };
  auto renamed = carry_out();
  if (!renamed.ok()) {
    (void)around_.set.rename(entry, record.name);
    return std::move(renamed).error();
  }
  auto merged = TRY(merge_instance(around_, *renamed));
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    changed.record = *renamed;
    changed.expanded_config = std::move(merged.config);
    changed.expanded_devices = std::move(merged.devices);
  });
  return kOk;
}

// Into another project it comes as if it were made there.
Result<void> InstanceRemoval::check_move(InstanceRecord record, const std::string& to, const CommitLock& commit) const {
  if (project_of(record.name) == project_of(to)) return kOk;
  const std::string pool = record.pool;
  record.name = to;
  const auto approved = TRY(approve_instance(around_, commit, std::move(record)));
  if (approved.spec().root->pool == pool) return kOk;
  return invalid_value("pool", approved.spec().root->pool, "the instance's root volume is in " + pool);
}

Result<InstanceRecord> InstanceRemoval::finish_rename(const InstanceRecord& record) {
  const auto moved = around_.pools.rename_root(record.pool, record.name, record.next_name);
  // A daemon that was killed after the volume had moved finds it under its new name.
  if (!moved.ok() && moved.error().kind() != ErrorKind::kNotFound) return moved.error();
  for (const auto& snapshot : TRY(load_snapshots(around_.database, record.id))) {
    const auto from = snapshot_at(record.pool, record.name, snapshot.name);
    const auto to = snapshot_at(record.pool, record.next_name, snapshot.name);
    const auto followed = rename_volume(around_.pools, from, to.volume);
    if (!followed.ok() && followed.error().kind() != ErrorKind::kNotFound) return followed.error();
  }
  InstanceRecord renamed = record;
  renamed.name = record.next_name;
  renamed.next_name.clear();
  renamed.phase = InstancePhase::kReady;
  TRY(around_.networks.rename_instance(record.name, renamed.name));
  TRY(around_.logs.rename(record.name, renamed.name));
  TRY(update_instance(around_.database, record, renamed));
  return renamed;
}

}  // namespace cella::manager
