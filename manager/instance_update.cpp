#include "manager/instance_update.h"

#include <algorithm>

#include "base/rollback.h"
#include "manager/claimed_work.h"
#include "manager/container_devices.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/guest_api.h"
#include "manager/instance_events.h"
#include "manager/keeper_link.h"
#include "manager/kernel_modules.h"
#include "manager/live_changes.h"
#include "manager/networks.h"
#include "manager/node_watch.h"
#include "manager/pools.h"
#include "manager/projects.h"
#include "manager/volatile_keys.h"

namespace cella::manager {
namespace {

InstancePut patched(const InstanceRecord& record, const InstancePatch& patch) {
  InstancePut put;
  put.architecture = patch.architecture.value_or(record.architecture);
  put.description = patch.description.value_or(record.description);
  put.config = patch_config(record.config, patch.config);
  put.devices = patch_devices(record.devices, patch.devices);
  put.profiles = patch.profiles.value_or(record.profiles);
  put.ephemeral = patch.ephemeral.value_or(record.ephemeral);
  return put;
}

}  // namespace

Result<InstanceRecord> InstanceUpdate::next_record(const EntryPtr& entry, const InstancePut& put) const {
  const auto present = around_.set.record(*entry);
  if (!put.architecture.empty() && put.architecture != present.architecture) {
    return invalid_value("architecture", put.architecture, "cannot be changed");
  }
  if (put.stateful) return Error(ErrorKind::kUnsupported, "stateful: a container's memory cannot be saved");
  InstanceRecord next = present;
  next.description = put.description;
  next.ephemeral = put.ephemeral;
  next.config = without_empty(put.config);
  next.devices = put.devices;
  next.profiles = put.profiles;
  const bool runs = around_.set.running(*entry) != nullptr;
  keep_volatile(next.config, present.config, runs ? HwaddrChange::kIgnored : HwaddrChange::kAllowed);
  return next;
}

Result<ApprovedInstance> InstanceUpdate::check(const EntryPtr& entry, const InstancePut& put,
                                               const CommitLock& commit) const {
  auto approved = TRY(approve_instance(around_, commit, TRY(next_record(entry, put))));
  const auto& pool = approved.record().pool;
  if (approved.spec().root->pool != pool) {
    return invalid_value("pool", approved.spec().root->pool, "cannot be changed: the root volume is in " + pool);
  }
  return approved;
}

Result<OperationId> InstanceUpdate::update(const std::string& name, const InstancePut& put, const Caller& caller) {
  auto claim = TRY(around_.set.claim(name, InstanceWork::kUpdate));
  TRY(check(claim.entry(), put, around_.projects.commit(project_of(name))));
  return start_claimed(
      around_.operations, instance_request("Updating instance", name), std::move(claim),
      [this, put, caller](const EntryPtr& entry, const OperationHandle&) { return carry_out(entry, put, caller); });
}

Result<void> InstanceUpdate::patch(const std::string& name, const InstancePatch& patch, const Caller& caller) {
  const auto claim = TRY(around_.set.claim(name, InstanceWork::kUpdate));
  return carry_out(claim.entry(), patched(around_.set.record(*claim.entry()), patch), caller);
}

Result<void> InstanceUpdate::change_devices(const std::string& name, const Devices& devices) {
  const auto claim = TRY(around_.set.claim(name, InstanceWork::kUpdate));
  const auto& entry = claim.entry();
  std::lock_guard run(entry->run);
  InstanceRecord next = around_.set.record(*entry);
  next.devices = devices;
  const CommitLock commit = around_.projects.commit(project_of(name));
  return become(entry, TRY(approve_instance(around_, commit, std::move(next))));
}

Result<void> InstanceUpdate::carry_out(const EntryPtr& entry, const InstancePut& put, const Caller& caller) {
  std::lock_guard run(entry->run);
  const auto name = around_.set.record(*entry).name;
  {
    const CommitLock commit = around_.projects.commit(project_of(name));
    // Checked again: a profile may have changed since the request was taken.
    TRY(become(entry, TRY(check(entry, put, commit))));
  }
  tell_of_instance(around_.events, "instance-updated", name, caller);
  return kOk;
}

Result<void> InstanceUpdate::become(const EntryPtr& entry, ApprovedInstance approved) {
  const auto present = around_.set.record(*entry);
  Expanded before;
  {
    std::shared_lock lock(around_.set.mutex());
    before = {entry->expanded_config, entry->expanded_devices};
  }
  const auto present_spec = TRY(build_spec(present.name, before.config, before.devices, around_.host));
  const auto& spec = approved.spec();
  TRY(check_sources(around_.volumes, around_.projects.config(project_of(present.name)), spec, &present_spec));
  InstanceRecord next = approved.record();
  settle_device_keys(next.config, approved.merged().devices);
  if (is_new_to_cloud_init(before, approved.merged())) renew_cloud_init_id(next.config);
  const auto running = around_.set.running(*entry);
  const auto own_map = TRY(instance_id_map(next.id_base, next.id_size, present_spec.security.raw_ids));
  const auto map = running != nullptr && running->map ? *running->map : own_map;
  std::shared_ptr<runtime::KeeperClient> keeper;
  std::optional<LiveChanges> changes;
  Rollback undo;  // last: its steps use what stands above
  if (running != nullptr) {
    keeper = TRY(around_.keeper.client());
    TRY(load_kernel_modules(spec.security.kernel_modules));
    changes.emplace(around_, *keeper, *running, next.id, map, undo);
    TRY(changes->apply(present_spec, spec, next.config));
  }
  TRY(change_root(present_spec, spec, next));
  TRY(approved.settle([&](InstanceRecord& settled) { settled = next; }));
  TRY(update_instance(around_.database, present, approved));
  undo.commit();
  for (const Nic& nic : present_spec.nics) {
    if (!approved.merged().devices.contains(nic.device)) (void)around_.networks.forget(next.name, nic.device);
  }
  auto merged = TRY(merge_instance(around_, next));
  const GuestId guest{next.id};
  const auto events = guest_events(before, merged);
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    changed.record = std::move(next);
    changed.expanded_config = std::move(merged.config);
    changed.expanded_devices = std::move(merged.devices);
  });
  if (running != nullptr) {
    const auto watched = around_.nodes.set(guest.value, optional_sources(spec));
    if (!watched.ok()) around_.events.log({"warn", watched.error().message(), {{"instance", present.name}}});
  }
  for (const auto& event : events) around_.guests.tell(guest, event);
  if (running != nullptr) balance_.rebalance();
  return kOk;
}

Result<void> InstanceUpdate::change_root(const ContainerSpec& present, const ContainerSpec& next,
                                         const InstanceRecord& record) {
  const auto before = present.root ? present.root->size : std::nullopt;
  if (before == next.root->size) return kOk;
  return around_.pools.set_root_quota(record.pool, record.name, next.root->size);
}

std::vector<EntryPtr> InstanceUpdate::users_of(const std::string& project, const std::string& profile) const {
  std::vector<EntryPtr> users;
  for (const auto& entry : around_.set.list()) {
    const auto record = around_.set.record(*entry);
    const auto& profiles = record.profiles;
    if (std::find(profiles.begin(), profiles.end(), profile) == profiles.end()) continue;
    if (around_.projects.project_of_profiles(project_of(record.name)) == project) users.push_back(entry);
  }
  return users;
}

std::vector<std::string> InstanceUpdate::instances_using(const std::string& project,
                                                         const std::string& profile) const {
  std::vector<std::string> names;
  for (const auto& entry : users_of(project, profile)) names.push_back(around_.set.record(*entry).name);
  return names;
}

Result<void> InstanceUpdate::profile_appears(const Profile& profile) {
  return approve_profile(around_, around_.projects.commit_all(), profile, {});
}

Result<void> InstanceUpdate::profile_changes(const Profile& next, const std::function<Result<void>()>& store) {
  const auto users = users_of(next.project, next.name);
  {
    const CommitLock commit = around_.projects.commit_all();
    std::vector<InstanceRecord> records;
    for (const auto& entry : users) records.push_back(around_.set.record(*entry));
    TRY(approve_profile(around_, commit, next, records));
    TRY(store());
  }
  std::optional<Error> first;
  for (const auto& entry : users) {
    auto applied = apply_profiles(entry);
    if (!applied.ok() && !first) first = std::move(applied).error();
  }
  if (first) return *std::move(first);
  return kOk;
}

Result<void> InstanceUpdate::apply_profiles(const EntryPtr& entry) {
  std::lock_guard run(entry->run);
  auto record = around_.set.record(*entry);
  const std::string name = short_name(record.name);
  const CommitLock commit = around_.projects.commit(project_of(record.name));
  auto approved = TRY_CONTEXT("instance " + name, approve_instance(around_, commit, std::move(record)));
  TRY_CONTEXT("instance " + name, become(entry, std::move(approved)));
  return kOk;
}

Result<void> InstanceUpdate::profile_renamed(const std::string& project, const std::string& from,
                                             const std::string& to) {
  auto update =
      TRY(around_.database.prepare("UPDATE instance_profiles SET profile = ? WHERE instance_id = ? AND profile = ?"));
  for (const auto& entry : users_of(project, from)) {
    TRY(update.bind(to, around_.set.record(*entry).id, from).run());
    around_.set.change(*entry, [&](InstanceEntry& changed) {
      std::replace(changed.record.profiles.begin(), changed.record.profiles.end(), from, to);
    });
  }
  return kOk;
}

void InstanceUpdate::follow_nodes(std::int64_t instance) {
  EntryPtr entry;
  for (const auto& one : around_.set.list()) {
    if (around_.set.record(*one).id == instance) entry = one;
  }
  if (entry == nullptr) return;
  std::lock_guard run(entry->run);
  const auto follow = [&]() -> Result<void> {
    const auto running = around_.set.running(*entry);
    if (running == nullptr) return kOk;
    ContainerSpec spec;
    {
      std::shared_lock lock(around_.set.mutex());
      spec = TRY(build_spec(entry->record.name, entry->expanded_config, entry->expanded_devices, around_.host));
    }
    const auto keeper = TRY(around_.keeper.client());
    Rollback undo;
    const auto record = around_.set.record(*entry);
    const auto own_map = TRY(instance_id_map(record.id_base, record.id_size, spec.security.raw_ids));
    const IdMap map = running->map.value_or(own_map);
    LiveChanges changes(around_, *keeper, *running, instance, map, undo);
    TRY(changes.follow_nodes(spec));
    undo.commit();
    return kOk;
  };
  const auto followed = follow();
  if (followed.ok()) return;
  around_.events.log({"warn", followed.error().message(), {{"instance", around_.set.record(*entry).name}}});
}

}  // namespace cella::manager
