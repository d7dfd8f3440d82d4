#include "manager/host_recovery.h"

#include <algorithm>

#include "base/files.h"
#include "base/rollback.h"
#include "manager/backup_index.h"
#include "manager/custom_volume_index.h"
#include "manager/custom_volumes.h"
#include "manager/database.h"
#include "manager/device_rules.h"
#include "manager/instance_approval.h"
#include "manager/instance_events.h"
#include "manager/instance_expansion.h"
#include "manager/manifests.h"
#include "manager/names.h"
#include "manager/networks.h"
#include "manager/pool_config.h"
#include "manager/pools.h"
#include "manager/profiles.h"
#include "manager/projects.h"
#include "manager/security_settings.h"
#include "manager/volatile_keys.h"
#include "manager/volume_copies.h"
#include "storage/driver.h"

namespace cella::manager {

using storage::VolumeId;
using storage::VolumeKind;

struct HostRecovery::OpenPool {
  PoolCreate pool;
  PoolAccess access;
  bool known = false;
};

struct HostRecovery::Found {
  LostVolume volume;
  std::string stored;     // its name on disk
  std::string unreadable; // why its manifest says nothing; else one of these two holds
  std::optional<BackupIndex> instance;
  std::optional<VolumeIndex> custom;
};

namespace {

constexpr std::size_t kMostManifest = 16u << 20;

Result<std::string> read_manifest(const PoolAccess& pool, const VolumeId& volume) {
  const DirFd directory = TRY(storage::open_own_directory(pool.spec, volume));
  return read_file_at(directory, kManifestName, kMostManifest);
}

// Snapshots of the volume that are on disk; each name is the part behind the slash.
Result<std::vector<std::string>> snapshots_on_disk(const PoolAccess& pool, VolumeKind kind, const std::string& volume) {
  std::vector<std::string> names;
  for (const auto& name : TRY(storage::list_volumes(pool.spec, kind)))
    if (name.starts_with(volume + "/")) names.push_back(name.substr(volume.size() + 1));
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string text_of(const LostVolume& volume) {
  return volume.type + " \"" + volume.name + "\" of project \"" + volume.project + "\" in storage pool \"" +
         volume.pool + "\"";
}

// The driver of a pool that is a directory: both lay out the same tree, so what the first manifest says; empty: none.
std::string told_driver(const std::string& directory) {
  for (const char* kind : {"volumes", "custom"}) {
    const auto kinds = open_dir(directory + "/" + kind);
    const auto names = kinds.ok() ? list_names(*kinds) : Result<std::vector<std::string>>(kinds.error());
    if (!names.ok()) continue;
    for (const auto& name : *names) {
      const auto text = read_file_at(*kinds, name + "/" + kManifestName, kMostManifest);
      if (!text.ok()) continue;
      if (const auto index = parse_backup_index(*text); index.ok()) return index->backend;
      if (const auto index = parse_volume_index(*text); index.ok()) return index->backend;
    }
  }
  return "";
}

// As the other driver the volumes of a pool would look empty.
Result<void> check_driver(const PoolCreate& pool, const std::string& directory) {
  const std::string told = told_driver(directory);
  if (told.empty() || told == pool.driver) return kOk;
  return invalid_value("driver", pool.driver, "storage pool \"" + pool.name + "\" was made with driver " + told);
}

// The root disk that the pool it was found in asks for.
Result<void> settle_root(Devices& devices, const Devices& expanded, const Devices& merged, const std::string& pool) {
  const auto present = TRY(find_root_disk(merged));
  if (present != nullptr && device_value(present->second, "pool") == pool) return kOk;
  const auto before = find_root_disk(expanded);
  Device root{{"type", "disk"}, {"path", "/"}};
  std::string name = "root";
  if (before.ok() && *before != nullptr) {
    name = (*before)->first;
    root = (*before)->second;
  }
  root["pool"] = pool;
  devices[name] = std::move(root);
  return kOk;
}

}  // namespace

Result<std::vector<PoolCreate>> HostRecovery::lost_pools() const {
  std::vector<PoolCreate> pools;
  const std::string directory = state_dir_ + "/storage-pools";
  auto names = TRY(list_names(TRY(open_dir(directory))));
  if (path_exists(state_dir_ + "/disks")) {
    for (const auto& disk : TRY(list_names(TRY(open_dir(state_dir_ + "/disks")))))
      if (disk.ends_with(".img")) names.push_back(disk.substr(0, disk.size() - 4));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const auto& name : names) {
    if (around_.pools.find(name).ok()) continue;
    PoolCreate pool{.name = name, .driver = "", .description = "", .config = {}};
    const std::string disk = state_dir_ + "/disks/" + name + ".img";
    if (path_exists(disk)) {
      pool.driver = "btrfs";
      pool.config["source"] = disk;
    } else if (path_exists(directory + "/" + name + "/volumes")) {
      const std::string told = told_driver(directory + "/" + name);
      pool.driver = told.empty() ? "overlay" : told;
      pool.config["source"] = directory + "/" + name;
    } else {
      continue;
    }
    pools.push_back(std::move(pool));
  }
  return pools;
}

Result<HostRecovery::OpenPool> HostRecovery::open(const PoolCreate& pool) const {
  if (around_.pools.find(pool.name).ok()) return OpenPool{pool, TRY(around_.pools.access(pool.name)), true};
  TRY(check_pool_name(pool.name));
  const auto driver = TRY(storage::parse_driver(pool.driver));
  PoolCreate completed = pool;
  completed.config = TRY(complete_pool_config(driver, pool.name, pool.config, state_dir_));
  PoolAccess access;
  access.spec = pool_spec(driver, pool.name, completed.config, state_dir_);
  access.driver = storage::make_driver(access.spec);
  if (driver != storage::DriverType::kBtrfs) TRY(check_driver(pool, completed.config["source"]));
  TRY_CONTEXT("Storage pool \"" + pool.name + "\"", access.driver->mount());
  return OpenPool{std::move(completed), std::move(access), false};
}

Result<HostRecovery::Found> HostRecovery::read_instance(const OpenPool& pool, const std::string& volume) const {
  const auto [project, name] = split_name(volume);
  Found found;
  found.volume = {name, "container", 0, project, pool.pool.name};
  found.stored = volume;
  const auto on_disk = TRY(snapshots_on_disk(pool.access, VolumeKind::kSnapshot, volume));
  found.volume.snapshots = on_disk.size();
  const auto text = read_manifest(pool.access, {VolumeKind::kRoot, volume});
  auto index = text.ok() ? parse_backup_index(*text) : Result<BackupIndex>(text.error());
  if (index.ok() && index->name != name) {
    found.unreadable = "its manifest is that of \"" + index->name + "\"";
  } else if (!index.ok()) {
    found.unreadable = index.error().message();
  } else {
    std::erase_if(index->snapshots, [&](const auto& snapshot) { return !contains(on_disk, snapshot.name); });
    if (index->snapshots.size() != on_disk.size()) found.unreadable = "its manifest does not tell of all its snapshots";
    found.instance = *std::move(index);
  }
  return found;
}

Result<HostRecovery::Found> HostRecovery::read_volume(const OpenPool& pool, const std::string& volume) const {
  const auto [project, name] = split_name(volume);
  Found found;
  found.volume = {name, "custom", 0, project, pool.pool.name};
  found.stored = volume;
  const auto on_disk = TRY(snapshots_on_disk(pool.access, VolumeKind::kCustomSnapshot, volume));
  found.volume.snapshots = on_disk.size();
  const auto text = read_manifest(pool.access, {VolumeKind::kCustom, volume});
  auto index = text.ok() ? parse_volume_index(*text) : Result<VolumeIndex>(text.error());
  if (!index.ok()) {
    found.unreadable = index.error().message();
    return found;
  }
  std::erase_if(index->snapshots, [&](const auto& snapshot) { return !contains(on_disk, snapshot.snapshot); });
  if (index->snapshots.size() != on_disk.size()) found.unreadable = "its manifest does not tell of all its snapshots";
  index->volume.key = {pool.pool.name, project, name};
  found.custom = *std::move(index);
  return found;
}

Result<std::vector<HostRecovery::Found>> HostRecovery::find_lost(const OpenPool& pool) const {
  std::vector<Found> lost;
  for (const auto& name : TRY(storage::list_volumes(pool.access.spec, VolumeKind::kRoot))) {
    if (is_incoming({pool.pool.name, {VolumeKind::kRoot, name}}) || around_.set.find(name).ok()) continue;
    lost.push_back(TRY(read_instance(pool, name)));
  }
  for (const auto& name : TRY(storage::list_volumes(pool.access.spec, VolumeKind::kCustom))) {
    if (is_incoming({pool.pool.name, {VolumeKind::kCustom, name}})) continue;
    const auto [project, short_name] = split_name(name);
    if (around_.volumes.find({pool.pool.name, project, short_name}).ok()) continue;
    lost.push_back(TRY(read_volume(pool, name)));
  }
  return lost;
}

std::vector<std::string> HostRecovery::missing_for(const Found& found) const {
  std::vector<std::string> missing;
  const std::string& project = found.volume.project;
  if (!found.unreadable.empty()) missing.push_back(text_of(found.volume) + ": " + found.unreadable);
  if (!around_.projects.exists(project)) missing.push_back("Project \"" + project + "\"");
  if (!found.instance) return missing;
  for (const auto& profile : found.instance->instance.profiles) {
    if (!around_.profiles.resolve(around_.projects.project_of_profiles(project), {profile}).ok())
      missing.push_back("Profile \"" + profile + "\" in project \"" + project + "\"");
  }
  for (const auto& [name, device] : found.instance->instance.devices) {
    const auto& network = device_value(device, "network");
    if (network.empty() || around_.networks.get(network).ok()) continue;
    missing.push_back("Network \"" + network + "\" in project \"" + project + "\"");
  }
  return missing;
}

Result<LostVolumes> HostRecovery::look(const std::vector<PoolCreate>& pools) const {
  LostVolumes result;
  for (const auto& pool : pools) {
    const auto opened = TRY(open(pool));
    Rollback close;
    if (!opened.known) close.add([&] { (void)opened.access.driver->unmount(); });
    for (const auto& found : TRY(find_lost(opened))) {
      for (auto& missing : missing_for(found))
        if (!contains(result.obstacles, missing)) result.obstacles.push_back(std::move(missing));
      result.volumes.push_back(found.volume);
    }
  }
  return result;
}

Result<void> HostRecovery::take_back(const std::vector<PoolCreate>& pools) {
  std::vector<std::string> left;
  for (const auto& pool : pools) {
    if (!around_.pools.find(pool.name).ok()) {
      // Opened as it would be, so that what is wrong with it shows before it counts.
      const auto tried = TRY(open(pool));
      TRY(tried.access.driver->unmount());
      TRY(around_.pools.adopt(tried.pool));
    }
    // Custom volumes first: devices of instances name them.
    auto lost = TRY(find_lost(TRY(open(pool))));
    std::stable_partition(lost.begin(), lost.end(), [](const Found& found) { return found.custom.has_value(); });
    for (const auto& found : lost) {
      const auto taken = take_back(found);
      if (!taken.ok()) left.push_back(text_of(found.volume) + ": " + taken.error().message());
    }
  }
  if (left.empty()) return kOk;
  std::string text = "not recovered: ";
  for (const auto& reason : left) text += (&reason == &left.front() ? "" : "; ") + reason;
  return Error(ErrorKind::kInvalid, text);
}

Result<void> HostRecovery::take_back(const Found& found) {
  if (!found.unreadable.empty()) return Error(ErrorKind::kInvalid, found.unreadable);
  return found.instance ? take_back_instance(found) : take_back_volume(found);
}

Result<InstanceRecord> HostRecovery::record_of(const Found& found) const {
  const Instance& instance = found.instance->instance;
  InstanceCreate create;
  create.project = found.volume.project;
  create.name = found.volume.name;
  create.put.architecture = instance.architecture;
  create.put.description = instance.description;
  create.put.config = instance.config;
  create.put.devices = instance.devices;
  create.put.profiles = instance.profiles;
  create.profiles_given = true;
  auto record = TRY(creation_.make_record(create));
  // All of it, with what was made up for it then: addresses, the image it came from.
  record.config = instance.config;
  record.ephemeral = false;  // it would be gone with its first stop
  record.created_at = instance.created_at;
  record.last_used_at = instance.last_used_at;
  record.pool = found.volume.pool;
  const auto merged = TRY(merge_instance(around_, record));
  TRY(settle_root(record.devices, instance.expanded_devices, merged.devices, record.pool));
  return record;
}

Result<void> HostRecovery::take_back_instance(const Found& found) {
  InstanceRecord record = TRY(record_of(found));
  const CommitLock commit = around_.projects.commit(found.volume.project);
  record.phase = InstancePhase::kReady;
  auto approved = TRY(approve_instance(around_, commit, record));
  auto entry = std::make_shared<InstanceEntry>();
  {
    auto transaction = TRY(around_.database.begin());
    record.id = TRY(insert_instance(around_.database, approved));
    const auto security = TRY(build_security(approved.merged().config));
    const auto range = TRY(allocate_id_range(around_.database, around_.id_windows, record.id, security.ids));
    record.id_base = range.base;
    record.id_size = range.size;
    const InstanceRecord bare = record;
    set_idmap_keys(record.config, TRY(instance_id_map(range.base, range.size, security.raw_ids)), range.base);
    settle_device_keys(record.config, approved.merged().devices);
    TRY(update_instance(around_.database, bare, record));
    TRY(set_phase(around_.database, record.id, InstancePhase::kReady, ""));
    for (SnapshotRecord snapshot : found.instance->snapshots) {
      snapshot.instance_id = record.id;
      snapshot.phase = SnapshotPhase::kReady;
      InstanceRecord then = record;
      then.devices = snapshot.devices;
      then.profiles = snapshot.profiles;
      const auto merged = merge_instance(around_, then);
      TRY(settle_root(snapshot.devices, found.instance->instance.expanded_devices,
                      merged.ok() ? merged->devices : snapshot.devices, record.pool));
      snapshot.id = TRY(insert_snapshot(around_.database, snapshot));
      entry->snapshots.push_back(std::move(snapshot));
    }
    TRY(transaction.commit());
  }
  auto merged = TRY(merge_instance(around_, record));
  entry->record = record;
  entry->expanded_config = std::move(merged.config);
  entry->expanded_devices = std::move(merged.devices);
  TRY(around_.set.add(entry));
  tell_of_instance(around_.events, "instance-created", record.name, std::nullopt);
  return kOk;
}

Result<void> HostRecovery::take_back_volume(const Found& found) {
  auto volume = found.custom->volume;
  TRY(around_.projects.find(volume.key.project));
  volume.phase = VolumePhase::kReady;
  std::vector<VolumeRecord> records{volume};
  for (auto snapshot : found.custom->snapshots) {
    snapshot.key = volume.key;
    snapshot.phase = VolumePhase::kReady;
    records.push_back(std::move(snapshot));
  }
  auto transaction = TRY(around_.database.begin());
  for (auto& record : records) TRY(insert_volume(around_.database, record));
  TRY(transaction.commit());
  for (const auto& record : records) around_.volumes.table().put(record);
  around_.volumes.tell("storage-volume-created", volume.key, "", std::nullopt);
  return kOk;
}

}  // namespace cella::manager
