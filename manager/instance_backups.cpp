#include "manager/instance_backups.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/rollback.h"
#include "manager/claimed_work.h"
#include "manager/database.h"
#include "manager/device_rules.h"
#include "manager/events.h"
#include "manager/instance_events.h"
#include "manager/instance_expansion.h"
#include "manager/instance_publish.h"
#include "manager/names.h"
#include "manager/projects.h"
#include "manager/snapshot_names.h"
#include "manager/volume_archive.h"
#include "manager/volume_copies.h"
#include "storage/driver.h"
#include "storage/image_volume.h"
#include "storage/unpack.h"

namespace cella::manager {
namespace {

Error not_found(const std::string& instance, const std::string& name) {
  return Error(ErrorKind::kNotFound, "Instance backup not found: " + short_name(instance) + "/" + name);
}

// What LXD calls the driver that keeps plain directories.
std::string backend_name(const std::string& driver) { return driver == "overlay" ? "dir" : driver; }

// MAC addresses that a running or stopped instance has already stay its own.
void drop_taken_addresses(const InstanceSet& set, Config& config) {
  std::vector<std::string> taken;
  for (const auto& entry : set.list()) {
    for (const auto& [key, value] : set.record(*entry).config) {
      if (key.starts_with("volatile.") && key.ends_with(".hwaddr")) taken.push_back(value);
    }
  }
  std::erase_if(config, [&](const auto& entry) {
    if (!entry.first.starts_with("volatile.")) return false;
    if (!entry.first.ends_with(".hwaddr")) return true;
    return std::find(taken.begin(), taken.end(), entry.second) != taken.end();
  });
}

std::string base_image(const Config& config) {
  const auto found = config.find("volatile.base_image");
  return found == config.end() ? std::string() : found->second;
}

// The root disk in a pool of this host.
Result<void> set_root_pool(Devices& devices, const Devices& expanded, const std::string& pool) {
  auto root = TRY(find_root_disk(devices));
  if (root == nullptr) root = TRY(find_root_disk(expanded));
  const std::string name = root == nullptr ? "root" : root->first;
  Device device = root == nullptr ? Device{{"type", "disk"}, {"path", "/"}} : root->second;
  device["pool"] = pool;
  devices[name] = std::move(device);
  return kOk;
}

}  // namespace

Result<void> InstanceBackups::load() {
  TRY(make_dirs(directory_, 0700));
  const DirFd directory = TRY(open_dir(directory_));
  if (exists_at(directory, "uploads")) TRY(remove_tree_at(directory, "uploads"));
  TRY(make_dir_at(directory, "uploads", 0700));
  for (auto& record : TRY(load_backups(around_.database))) {
    if (record.ready) {
      backups_.emplace(record.id, std::move(record));
    } else {
      TRY(delete_backup(around_.database, record.id));
    }
  }
  for (const auto& name : TRY(list_names(directory))) {
    const bool known = std::any_of(backups_.begin(), backups_.end(),
                                   [&](const auto& backup) { return std::to_string(backup.first) == name; });
    if (!known && name != "uploads") TRY(remove_tree_at(directory, name));
  }
  return kOk;
}

Result<std::vector<BackupRecord>> InstanceBackups::list(const std::string& instance) const {
  const auto id = around_.set.record(*TRY(around_.set.find(instance))).id;
  std::vector<BackupRecord> records;
  const std::lock_guard lock(mutex_);
  for (const auto& [number, record] : backups_) {
    if (record.instance_id == id && record.ready) records.push_back(record);
  }
  return records;
}

Result<BackupRecord> InstanceBackups::find(const std::string& instance, const std::string& name) const {
  for (auto& record : TRY(list(instance))) {
    if (record.name == name) return record;
  }
  return not_found(instance, name);
}

Result<BackupRecord> InstanceBackups::reserve(std::int64_t instance_id, const BackupCreate& request) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [number, record] : backups_) {
    if (record.instance_id == instance_id) names.push_back(record.name);
  }
  BackupRecord record;
  record.instance_id = instance_id;
  record.created_at = std::chrono::system_clock::now();
  record.expires_at = request.expires_at;
  record.instance_only = request.instance_only;
  record.name = request.name.empty() ? TRY(next_snapshot_name("backup%d", names, record.created_at)) : request.name;
  TRY(check_snapshot_name(record.name));
  if (std::find(names.begin(), names.end(), record.name) != names.end()) {
    return Error(ErrorKind::kExists, "Backup \"" + record.name + "\" already exists");
  }
  record.id = TRY(insert_backup(around_.database, record));
  backups_.emplace(record.id, record);
  return record;
}

Result<OperationId> InstanceBackups::create(const std::string& instance, const BackupCreate& request,
                                            const Caller& caller) {
  if (request.optimized) {
    return Error(ErrorKind::kUnsupported, "optimized_storage: backups are plain archives that every pool can take");
  }
  const auto compression = TRY(storage::parse_compression(
      "compression_algorithm",
      around_.projects.compression(project_of(instance), "backups.compression_algorithm", request.compression)));
  TRY(around_.projects.check_backups_allowed(project_of(instance)));
  auto claim = TRY(around_.set.claim(instance, InstanceWork::kBackup));
  const auto backup = TRY(reserve(around_.set.record(*claim.entry()).id, request));
  auto operation_request = instance_request("Backing up instance", instance);
  operation_request.resources["backups"] = {backup.name};
  operation_request.may_cancel = true;
  return start_claimed(
      around_.operations, std::move(operation_request), std::move(claim),
      [this, instance, backup, compression, caller](const EntryPtr& entry,
                                                    const OperationHandle& operation) -> Result<void> {
        auto made = make(entry, backup, compression, operation);
        if (!made.ok()) {
          ::unlink(path_of(backup.id).c_str());
          (void)delete_backup(around_.database, backup.id);
          const std::lock_guard lock(mutex_);
          backups_.erase(backup.id);
          return made;
        }
        tell_of_instance(around_.events, "instance-backup-created", instance, caller, {}, "/backups/" + backup.name);
        return kOk;
      });
}

Result<void> InstanceBackups::make(const EntryPtr& entry, const BackupRecord& backup,
                                   const storage::Compression& compression, const OperationHandle& operation) {
  const auto record = around_.set.record(*entry);
  std::unique_lock run(entry->run);
  files_.end(*entry);
  Rollback remove_copy;
  auto root = root_at(record.pool, record.name);
  if (around_.set.running(*entry) != nullptr) {
    // The container goes on as soon as there is a copy to read from.
    const auto still = incoming_at(record.pool, record.name);
    TRY(around_.pools.remove_volume(still.pool, still.volume));
    const auto pause = TRY(InstancePause::begin(around_, entry));
    TRY(copy_volume(around_.pools, root, still, watch_copy(operation, "fs", "Copy")));
    remove_copy.add([this, still] { (void)around_.pools.remove_volume(still.pool, still.volume); });
    root = still;
  }
  if (root.volume.name != record.name) run.unlock();
  TRY(write(entry, root, backup, compression, operation));
  BackupRecord ready = backup;
  ready.ready = true;
  TRY(update_backup(around_.database, ready));
  const std::lock_guard lock(mutex_);
  backups_[backup.id].ready = true;
  return kOk;
}

BackupIndex InstanceBackups::index_of(const EntryPtr& entry, const BackupRecord& backup) const {
  BackupIndex index;
  index.instance = around_.set.view(*entry);
  index.name = index.instance.name;
  index.pool = around_.set.record(*entry).pool;
  if (backup.instance_only) return index;
  std::shared_lock lock(around_.set.mutex());
  for (const auto& snapshot : entry->snapshots) {
    if (snapshot.phase == SnapshotPhase::kReady) index.snapshots.push_back(snapshot);
  }
  return index;
}

Result<void> InstanceBackups::write(const EntryPtr& entry, const VolumeAt& root, const BackupRecord& backup,
                                    const storage::Compression& compression, const OperationHandle& operation) {
  BackupIndex index = index_of(entry, backup);
  const Pool pool = TRY(around_.pools.find(index.pool));
  index.backend = backend_name(pool.driver);
  const auto profiles = around_.profiles.resolve(
      around_.projects.project_of_profiles(index.instance.project), index.instance.profiles);
  const auto used_profiles = profiles.ok() ? *profiles : std::vector<Profile>();
  const std::string text = format_backup_index(index, pool, used_profiles);
  const Fd file = TRY(open_path(path_of(backup.id), O_WRONLY | O_CREAT | O_TRUNC, 0600));
  const auto watch = watch_pack(operation, "create_backup", "Backup");
  auto archive = TRY(storage::ArchiveWriter::open(file, compression));
  TRY(archive.add_directory("backup"));
  TRY(archive.add_text("backup/index.yaml", text));
  if (!index.snapshots.empty()) TRY(archive.add_directory("backup/snapshots"));
  for (const auto& snapshot : index.snapshots) {
    TRY(add_volume(around_.pools, archive, "backup/snapshots/" + snapshot.name,
                   snapshot_at(index.pool, index.instance.key(), snapshot.name), watch));
  }
  TRY(add_volume(around_.pools, archive, "backup/container", root, watch));
  TRY(archive.add_text("backup/container/backup.yaml", format_instance_backup(index, pool, used_profiles)));
  TRY(archive.finish());
  return sync_fd(file, "backup " + backup.name);
}

Result<OperationId> InstanceBackups::rename(const std::string& instance, const std::string& name, const std::string& to,
                                            const Caller& caller) {
  TRY(check_snapshot_name(to));
  auto record = TRY(find(instance, name));
  if (find(instance, to).ok()) return Error(ErrorKind::kExists, "Backup \"" + to + "\" already exists");
  record.name = to;
  return around_.operations.start(
      instance_request("Renaming instance backup", instance),
      [this, record, instance, name, caller](const OperationHandle&) -> Result<void> {
        TRY(update_backup(around_.database, record));
        {
          const std::lock_guard lock(mutex_);
          if (const auto found = backups_.find(record.id); found != backups_.end()) found->second.name = record.name;
        }
        tell_of_instance(around_.events, "instance-backup-renamed", instance, caller, {{"old_name", name}},
                         "/backups/" + record.name);
        return kOk;
      });
}

Result<OperationId> InstanceBackups::remove(const std::string& instance, const std::string& name,
                                            const Caller& caller) {
  const auto record = TRY(find(instance, name));
  return around_.operations.start(
      instance_request("Removing instance backup", instance),
      [this, instance, record, caller](const OperationHandle&) { return remove_now(instance, record, caller); });
}

Result<void> InstanceBackups::remove_now(const std::string& instance, const BackupRecord& backup,
                                         const Caller& caller) {
  TRY(delete_backup(around_.database, backup.id));
  ::unlink(path_of(backup.id).c_str());  // whoever reads it reads on
  {
    const std::lock_guard lock(mutex_);
    backups_.erase(backup.id);
  }
  tell_of_instance(around_.events, "instance-backup-deleted", instance, caller, {}, "/backups/" + backup.name);
  return kOk;
}

Result<Fd> InstanceBackups::open(const std::string& instance, const std::string& name, const Caller& caller) {
  const auto record = TRY(find(instance, name));
  Fd file = TRY(open_path(path_of(record.id), O_RDONLY));
  tell_of_instance(around_.events, "instance-backup-retrieved", instance, caller, {}, "/backups/" + name);
  return file;
}

Result<InstanceRecord> InstanceBackups::imported_record(const BackupIndex& index, const BackupImport& request) const {
  InstanceCreate create;
  create.project = request.project;
  create.name = request.name.empty() ? index.name : request.name;
  create.put.architecture = index.instance.architecture;
  create.put.description = index.instance.description;
  create.put.config = index.instance.config;
  create.put.devices = index.instance.devices;
  create.put.profiles = index.instance.profiles;
  create.put.ephemeral = index.instance.ephemeral;
  create.profiles_given = true;
  drop_taken_addresses(around_.set, create.put.config);
  auto record = TRY(creation_.make_record(create));
  record.created_at = index.instance.created_at;
  record.last_used_at = index.instance.last_used_at;
  auto expanded = TRY(merge_instance(around_, record));
  std::string pool = request.pool;
  if (pool.empty() && around_.pools.find(index.pool).ok()) pool = index.pool;
  const auto root = TRY(find_root_disk(expanded.devices));
  const bool fits = root != nullptr && around_.pools.find(device_value(root->second, "pool")).ok();
  if (!pool.empty()) {
    TRY(around_.pools.find(pool));
    TRY(set_root_pool(record.devices, index.instance.expanded_devices, pool));
  } else if (!fits) {
    return Error(ErrorKind::kNotFound, "Storage pool \"" + index.pool + "\" of the backup is not here: name another");
  }
  return record;
}

Result<OperationId> InstanceBackups::import(const BackupImport& request, const Caller& caller) {
  Rollback discard;
  discard.add([&] { ::unlink(request.path.c_str()); });
  auto archive = std::make_shared<Fd>(TRY(open_path(request.path, O_RDONLY)));
  // The descriptor is enough from here on, and nothing is left behind whatever happens.
  discard.undo();
  const auto index = TRY(parse_backup_index(TRY_CONTEXT("backup", storage::read_backup_index(*archive, {}))));
  auto record = TRY(imported_record(index, request));
  InstanceCreation::NewRoot root;
  root.description = "Restoring backup";
  root.base_image = base_image(index.instance.config);
  root.may_cancel = true;
  root.fill = [this, index, archive](const EntryPtr& entry, const OperationHandle& operation) {
    return fill(entry, index, *archive, operation);
  };
  const std::string name = record.name;
  return creation_.create_as(std::move(record), name, std::move(root), caller);
}

Result<void> InstanceBackups::fill(const EntryPtr& entry, const BackupIndex& index, const Fd& archive,
                                   const OperationHandle& operation) {
  const auto record = around_.set.record(*entry);
  const auto watch = watch_copy(operation, "fs", "Unpack");
  TRY(unpack_volume(around_.pools, root_at(record.pool, record.name), archive, "backup/container",
                    TRY(ids_on_disk(index.instance.config)), watch));
  for (SnapshotRecord snapshot : index.snapshots) {
    const auto incoming = incoming_at(record.pool, record.name);
    TRY(around_.pools.remove_volume(incoming.pool, incoming.volume));
    TRY(unpack_volume(around_.pools, incoming, archive, "backup/snapshots/" + snapshot.name,
                      TRY(ids_on_disk(snapshot.config)), watch));
    TRY(set_root_pool(snapshot.devices, index.instance.expanded_devices, record.pool));
    // Its files have the ids of the container now, whatever they had where it comes from.
    snapshot.config["volatile.last_state.idmap"] = "[]";
    TRY(snapshots_.adopt(entry, std::move(snapshot), incoming, watch));
  }
  return kOk;
}

std::optional<Timestamp> InstanceBackups::next_sweep(Timestamp now) const {
  std::set<std::int64_t> instances;
  for (const auto& entry : around_.set.list()) instances.insert(around_.set.record(*entry).id);
  std::optional<Timestamp> next;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, record] : backups_) {
    if (!record.ready) continue;
    if (!instances.contains(record.instance_id)) return now;
    if (record.expires_at && (!next || *record.expires_at < *next)) next = record.expires_at;
  }
  return next;
}

void InstanceBackups::sweep(Timestamp now) {
  std::map<std::int64_t, std::string> instances;
  for (const auto& entry : around_.set.list()) {
    const auto record = around_.set.record(*entry);
    instances.emplace(record.id, record.name);
  }
  std::vector<BackupRecord> ended;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, record] : backups_) {
      const bool expired = record.expires_at && *record.expires_at <= now;
      if (record.ready && (expired || !instances.contains(record.instance_id))) ended.push_back(record);
    }
  }
  for (const auto& record : ended) {
    const auto removed = remove_now(instances[record.instance_id], record, std::nullopt);
    if (!removed.ok())
      around_.events.log({"eror", "cannot delete backup " + record.name + ": " + removed.error().message(), {}});
  }
}

}  // namespace cella::manager
