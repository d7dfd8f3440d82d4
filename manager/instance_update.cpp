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
#include "manager/live_changes.h"
#include "manager/networks.h"
#include "manager/pools.h"
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

Result<InstanceRecord> InstanceUpdate::check(const EntryPtr& entry, const InstancePut& put) const {
  auto next = TRY(next_record(entry, put));
  const auto expanded = TRY(expand_instance(around_, next));
  if (expanded.spec.root->pool != next.pool) {
    return invalid_value("pool", expanded.spec.root->pool, "cannot be changed: the root volume is in " + next.pool);
  }
  return next;
}

Result<OperationId> InstanceUpdate::update(const std::string& name, const InstancePut& put, const Caller& caller) {
  auto claim = TRY(around_.set.claim(name, InstanceWork::kUpdate));
  TRY(check(claim.entry(), put));
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
  return become(entry, std::move(next));
}

Result<void> InstanceUpdate::carry_out(const EntryPtr& entry, const InstancePut& put, const Caller& caller) {
  std::lock_guard run(entry->run);
  // Checked again: a profile may have changed since the request was taken.
  auto next = TRY(check(entry, put));
  const auto name = next.name;
  TRY(become(entry, std::move(next)));
  tell_of_instance(around_.events, "instance-updated", name, caller);
  return kOk;
}

Result<void> InstanceUpdate::become(const EntryPtr& entry, InstanceRecord next) {
  const auto present = around_.set.record(*entry);
  Expanded before;
  {
    std::shared_lock lock(around_.set.mutex());
    before = {entry->expanded_config, entry->expanded_devices};
  }
  const auto present_spec = TRY(build_spec(present.name, before.config, before.devices, around_.host));
  auto expanded = TRY(expand_instance(around_, next));
  TRY(check_sources(around_.volumes, expanded.spec, &present_spec));
  settle_device_keys(next.config, expanded.merged.devices);
  if (is_new_to_cloud_init(before, expanded.merged)) renew_cloud_init_id(next.config);
  const auto map = TRY(IdMap::isolated(next.id_base));
  const auto running = around_.set.running(*entry);
  std::shared_ptr<runtime::KeeperClient> keeper;
  std::optional<LiveChanges> changes;
  Rollback undo;  // last: its steps use what stands above
  if (running != nullptr) {
    keeper = TRY(around_.keeper.client());
    changes.emplace(around_, *keeper, *running, map, undo);
    TRY(changes->apply(present_spec, expanded.spec, next.config));
  }
  TRY(change_root(present_spec, expanded.spec, next));
  TRY(update_instance(around_.database, present, next));
  undo.commit();
  for (const Nic& nic : present_spec.nics) {
    if (!expanded.merged.devices.contains(nic.device)) (void)around_.networks.forget(next.name, nic.device);
  }
  auto merged = TRY(merge_instance(around_, next));
  const GuestId guest{next.id};
  const auto events = guest_events(before, merged);
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    changed.record = std::move(next);
    changed.expanded_config = std::move(merged.config);
    changed.expanded_devices = std::move(merged.devices);
  });
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

std::vector<std::string> InstanceUpdate::instances_using(const std::string& profile) const {
  std::vector<std::string> names;
  const auto entries = around_.set.list();
  std::shared_lock lock(around_.set.mutex());
  for (const auto& entry : entries) {
    const auto& profiles = entry->record.profiles;
    if (std::find(profiles.begin(), profiles.end(), profile) != profiles.end()) names.push_back(entry->record.name);
  }
  return names;
}

Result<void> InstanceUpdate::profile_changes(const Profile& next, const std::function<Result<void>()>& store) {
  std::vector<EntryPtr> users;
  for (const auto& name : instances_using(next.name)) {
    auto entry = around_.set.find(name);
    if (entry.ok()) users.push_back(*std::move(entry));
  }
  for (const auto& entry : users) {
    const auto record = around_.set.record(*entry);
    const auto expanded = TRY_CONTEXT("instance " + record.name, expand_instance(around_, record, &next));
    if (expanded.spec.root->pool != record.pool) {
      return Error(ErrorKind::kInvalid, "instance " + record.name + " has its root volume in pool " + record.pool);
    }
  }
  TRY(store());
  std::optional<Error> first;
  for (const auto& entry : users) {
    std::lock_guard run(entry->run);
    const auto record = around_.set.record(*entry);
    auto became = become(entry, record);
    if (!became.ok() && !first) first = std::move(became).error().with_context("instance " + record.name);
  }
  if (first) return *std::move(first);
  return kOk;
}

Result<void> InstanceUpdate::profile_renamed(const std::string& from, const std::string& to) {
  auto update = TRY(around_.database.prepare("UPDATE instance_profiles SET profile = ? WHERE profile = ?"));
  TRY(update.bind(to, from).run());
  for (const auto& entry : around_.set.list()) {
    around_.set.change(*entry, [&](InstanceEntry& changed) {
      std::replace(changed.record.profiles.begin(), changed.record.profiles.end(), from, to);
    });
  }
  return kOk;
}

}  // namespace cella::manager
