#include "manager/instance_recovery.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <set>

#include "cgroups/events.h"
#include "manager/database.h"
#include "manager/device_rules.h"
#include "manager/events.h"
#include "manager/guest_sockets.h"
#include "manager/instance_expansion.h"
#include "manager/keeper_link.h"
#include "manager/node_watch.h"
#include "manager/proxies.h"
#include "manager/volume_copies.h"

namespace cella::manager {
namespace {

constexpr std::string_view kCgroupPrefix = "lxc.payload.";

const std::string& config_value(const Config& config, const std::string& key) { return device_value(config, key); }

// The NICs of a running container as the records have them.
std::vector<RunningContainer::AttachedNic> recorded_nics(const InstanceRecord& record, const ContainerSpec& spec) {
  std::vector<RunningContainer::AttachedNic> nics;
  for (const Nic& nic : spec.nics) {
    const auto key = "volatile." + nic.device + ".";
    const auto& host_name = config_value(record.config, key + "host_name");
    if (host_name.empty()) continue;
    const auto& own_name = device_value(nic.config, "name");
    nics.push_back({{record.name, nic.device, nic.config, config_value(record.config, key + "hwaddr"), nic.position},
                    host_name,
                    own_name.empty() ? config_value(record.config, key + "name") : own_name});
  }
  return nics;
}

}  // namespace

void InstanceRecovery::log(const std::string& instance, const Error& error) const {
  around_.events.log({"eror", "recovery: " + error.message(), {{"instance", instance}}});
}

Result<void> InstanceRecovery::load() {
  std::map<std::int64_t, std::vector<SnapshotRecord>> snapshots;
  for (auto& snapshot : TRY(load_snapshots(around_.database, std::nullopt))) {
    snapshots[snapshot.instance_id].push_back(std::move(snapshot));
  }
  for (auto& record : TRY(load_instances(around_.database))) {
    const auto name = record.name;
    const auto id = record.id;
    const auto loaded = load_one(std::move(record), std::move(snapshots[id]));
    if (!loaded.ok()) log(name, loaded.error());
  }
  const auto swept = sweep();
  if (!swept.ok()) log("", swept.error());
  return kOk;
}

// By the database and not by the set: an instance that could not be loaded keeps what it has.
Result<void> InstanceRecovery::sweep() {
  std::map<std::int64_t, InstanceRecord> instances;
  std::set<std::pair<std::string, std::string>> known;
  std::set<std::string> names;
  for (auto& record : TRY(load_instances(around_.database))) {
    const bool restoring = record.phase == InstancePhase::kRestoring || record.phase == InstancePhase::kSwapping;
    const auto incoming = incoming_at(record.pool, record.name);
    if (restoring) known.emplace(incoming.pool, incoming.volume.name);
    names.insert({record.name, record.next_name});
    instances.emplace(record.id, std::move(record));
  }
  for (const auto& snapshot : TRY(load_snapshots(around_.database, std::nullopt))) {
    const auto& instance = instances.at(snapshot.instance_id);
    for (const auto& owner : {instance.name, instance.next_name}) {
      for (const auto& name : {snapshot.name, snapshot.next_name}) known.emplace(instance.pool, owner + "/" + name);
    }
  }
  return sweep_volumes(around_.pools,
                       [&](const VolumeAt& found) {
                         // Of an instance that is not known at all: for `admin recover` to find, not to be lost.
                         const auto owner = found.volume.name.substr(0, found.volume.name.find('/'));
                         const bool lost = found.volume.kind == storage::VolumeKind::kSnapshot && !names.contains(owner);
                         return lost || known.contains({found.pool, found.volume.name});
                       });
}

Result<void> InstanceRecovery::load_one(InstanceRecord record, std::vector<SnapshotRecord> snapshots) {
  switch (record.phase) {
    case InstancePhase::kCreating:
    case InstancePhase::kDeleting: return removal_.finish_removal(record);
    case InstancePhase::kRenaming: record = TRY(removal_.finish_rename(record)); break;
    case InstancePhase::kReady:
    case InstancePhase::kRestoring:
    case InstancePhase::kSwapping: break;
    case InstancePhase::kMoving:
    case InstancePhase::kLeaving: record = TRY(copies_.recover(record)); break;
  }
  snapshots = TRY(snapshots_.recover(record, std::move(snapshots)));
  if (record.phase != InstancePhase::kReady) record = TRY(restore_.recover(record, snapshots));
  auto entry = std::make_shared<InstanceEntry>();
  entry->snapshots = std::move(snapshots);
  // A record whose profiles cannot be resolved is shown with what it says itself.
  auto merged = merge_instance(around_, record);
  entry->expanded_config = merged.ok() ? std::move(merged->config) : record.config;
  entry->expanded_devices = merged.ok() ? std::move(merged->devices) : record.devices;
  entry->record = std::move(record);
  return around_.set.add(entry);
}

std::shared_ptr<RunningContainer> InstanceRecovery::make_running(const InstanceEntry& entry,
                                                                 runtime::KeeperClient* keeper) {
  const InstanceRecord& record = entry.record;
  runtime::ContainerHandles handles;
  if (keeper != nullptr) {
    if (auto found = keeper->handles(record.name); found.ok()) handles = *std::move(found);
  }
  auto cgroup = around_.hierarchy.open_cgroup(record.run->cgroup);
  const auto path = around_.hierarchy.path() + "/" + record.run->cgroup;
  std::shared_ptr<RunningContainer> running(new RunningContainer{
      record.run->init, std::move(handles.pidfd), std::move(handles.console),
      cgroup.ok() ? *std::move(cgroup) : cgroups::Cgroup(DirFd(), path), record.run->cgroup, std::nullopt, nullptr});
  if (auto map = id_map_of_process(record.run->init.pid); map.ok()) running->map = *std::move(map);
  const auto spec = build_spec(record.name, entry.expanded_config, entry.expanded_devices, around_.host);
  if (spec.ok()) {
    // As it is configured now: what init was started with is not recorded.
    if (auto program = around_.seccomp.get(spec->security.seccomp); program.ok()) running->seccomp = *program;
    running->limits = spec->limits;
    const auto disks = resolve_disk_limits(spec->disk_limits, around_.pools, around_.controllers);
    if (disks.ok()) running->limits.io_max = *disks;
    (void)around_.nodes.set(record.id, optional_sources(*spec)).ok();
    running->cpu = spec->cpu;
    running->nics = recorded_nics(record, *spec);
  }
  return running;
}

Result<void> InstanceRecovery::find_running() {
  const auto keeper = TRY(around_.keeper.client());
  auto containers = TRY(keeper->list());
  for (const auto& entry : around_.set.list()) {
    const auto record = around_.set.record(*entry);
    const auto known = std::find_if(containers.begin(), containers.end(), [&](const auto& container) {
      return record.run && container.name == record.name && container.init == record.run->init;
    });
    if (record.run) take_up(entry, known == containers.end() ? nullptr : &*known);
    if (known != containers.end()) containers.erase(known);
  }
  for (const auto& stranger : containers) {
    // Launched by a daemon that was killed before it could record it: nobody was told that it runs.
    if (!stranger.exited) (void)keeper->signal(stranger.name, SIGKILL);
  }
  for (const auto& name : TRY(around_.hierarchy.list())) {
    if (!name.starts_with(kCgroupPrefix)) continue;
    const auto entry = around_.set.find(name.substr(kCgroupPrefix.size()));
    // Cgroups of unknown names belong to others (LXC names its own alike).
    if (!entry.ok() || around_.set.running(**entry) != nullptr) continue;
    (void)around_.hierarchy.destroy(name, std::chrono::milliseconds(0));
  }
  return end_pauses(around_);
}

void InstanceRecovery::take_up(const EntryPtr& entry, const runtime::ContainerStatus* known) {
  const auto keeper = around_.keeper.client();
  if (known == nullptr) {
    const auto adopted = adopt(entry);
    if (!adopted.ok()) log(around_.set.record(*entry).name, adopted.error());
    if (!adopted.ok() || *adopted == runtime::Adoption::kGone) {
      lost(entry);
      return;
    }
  }
  auto running = make_running(*entry, keeper.ok() ? keeper->get() : nullptr);
  const auto events = cgroups::read_events(running->cgroup);
  const auto status = events.ok() && events->frozen ? StatusCode::kFrozen : StatusCode::kRunning;
  around_.set.change(*entry, [&](InstanceEntry& changed) {
    changed.running = std::move(running);
    changed.status = status;
  });
}

Result<runtime::Adoption> InstanceRecovery::adopt(const EntryPtr& entry) {
  const auto record = around_.set.record(*entry);
  const auto running = around_.set.running(*entry);
  runtime::AdoptRequest request;
  request.name = record.name;
  request.init = record.run->init;
  request.cgroup = "/" + record.run->cgroup;
  request.handle = record.run->handle;
  if (running != nullptr) {
    request.console = running->console.get();
    request.pidfd = running->pidfd.get();
  }
  return TRY(around_.keeper.client())->adopt(request);
}

void InstanceRecovery::lost(const EntryPtr& entry) {
  std::lock_guard run(entry->run);
  if (around_.set.running(*entry) == nullptr) {
    auto remains = make_running(*entry, nullptr);
    around_.set.change(*entry, [&](InstanceEntry& changed) { changed.running = std::move(remains); });
  }
  launcher_.finish(entry, InstanceLauncher::Next::kLost);
  const auto record = around_.set.record(*entry);
  if (!record.ephemeral) return;
  const auto removed = removal_.remove_now(entry, std::nullopt);
  if (!removed.ok()) log(record.name, removed.error());
}

void InstanceRecovery::adopt_all() {
  for (const auto& entry : around_.set.list()) {
    if (around_.set.running(*entry) == nullptr) continue;
    const auto adopted = adopt(entry);
    if (!adopted.ok()) {
      log(around_.set.record(*entry).name, adopted.error());
    } else if (*adopted == runtime::Adoption::kGone) {
      lost(entry);
    }
  }
}

void InstanceRecovery::recover_proxies() {
  struct Running {
    EntryPtr entry;
    ContainerSpec spec;
  };
  std::map<std::int64_t, Running> running;
  std::vector<Proxies::Served> proxies;
  for (const auto& entry : around_.set.list()) {
    std::shared_lock lock(around_.set.mutex());
    if (entry->running == nullptr) continue;
    auto spec = build_spec(entry->record.name, entry->expanded_config, entry->expanded_devices, around_.host);
    if (!spec.ok() || spec->proxies.empty()) continue;
    for (const auto& proxy : spec->proxies) proxies.push_back({entry->record.id, proxy});
    running.emplace(entry->record.id, Running{entry, *std::move(spec)});
  }
  const auto missing = around_.proxies.take_over(proxies);
  if (!missing.ok()) return log("", missing.error());
  for (const auto& proxy : *missing) {
    const auto& [entry, spec] = running.at(proxy.instance);
    std::lock_guard run(entry->run);
    if (around_.set.running(*entry) == nullptr) continue;
    const auto started = [&]() -> Result<void> {
      const auto handles = TRY(TRY(around_.keeper.client())->handles(spec.name));
      return around_.proxies.start({proxy.instance, handles.pidfd, handles.network_namespace, spec.nics}, proxy.settings);
    }();
    if (!started.ok()) log(spec.name, Error(started.error()).with_context("device " + proxy.settings.device));
  }
}

void InstanceRecovery::recover_guests() {
  for (const auto& entry : around_.set.list()) {
    const auto record = around_.set.record(*entry);
    if (around_.set.running(*entry) == nullptr) continue;
    const auto recovered = [&]() -> Result<void> {
      const auto handles = TRY(TRY(around_.keeper.client())->handles(record.name));
      auto listener = around_.proxies.listen_inside({kGuestSocket, 0666, 0, 0}, handles.pidfd);
      // It was started without the guest API.
      if (!listener.ok() && listener.error().errno_value() == ENOENT) return kOk;
      Fd listening = TRY(std::move(listener));
      std::lock_guard run(entry->run);
      const auto running = around_.set.running(*entry);
      // It may have ended meanwhile, and started again with a socket of its own.
      if (running != nullptr && running->init == handles.init) around_.guests.admit(entry, {record.id}, std::move(listening));
      return kOk;
    }();
    if (!recovered.ok()) log(record.name, Error(recovered.error()).with_context("guest API"));
  }
  around_.proxies.rest();
}

}  // namespace cella::manager
