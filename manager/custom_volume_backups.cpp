#include "manager/custom_volume_backups.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>

#include "base/files.h"
#include "base/rollback.h"
#include "manager/backup_index.h"
#include "manager/custom_volume_config.h"
#include "manager/custom_volume_files.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/instance_publish.h"
#include "manager/instance_snapshots.h"
#include "manager/pools.h"
#include "manager/snapshot_names.h"
#include "storage/driver.h"
#include "storage/unpack.h"

namespace cella::manager {
namespace {

Error not_found(const VolumeKey& key, const std::string& name) {
  return Error(ErrorKind::kNotFound, "Storage volume backup not found: " + key.name + "/" + name);
}

Error exists(const std::string& name) { return Error(ErrorKind::kExists, "Backup \"" + name + "\" already exists"); }

std::string tail_of(const std::string& backup) { return "/backups/" + backup; }

// What LXD calls the driver that keeps plain directories.
std::string backend_name(const std::string& driver) { return driver == "overlay" ? "dir" : driver; }

// Owners of the files of a volume that LXD had mounted are the host's, by the map it notes. nullopt: the container's.
Result<std::optional<IdMap>> owners_in(const VolumeIndex& index) {
  const auto map = index.volume.config.find("volatile.idmap.last");
  if (map == index.volume.config.end() || is_unmapped(index.volume.config)) return std::optional<IdMap>();
  return ids_on_disk({{"volatile.last_state.idmap", map->second}});
}

}  // namespace

Result<void> CustomVolumeBackups::load() {
  TRY(make_dirs(directory_, 0700));
  const DirFd directory = TRY(open_dir(directory_));
  if (exists_at(directory, "uploads")) TRY(remove_tree_at(directory, "uploads"));
  TRY(make_dir_at(directory, "uploads", 0700));
  for (auto& record : TRY(load_volume_backups(around_.database))) {
    if (record.ready) {
      backups_.emplace(record.id, std::move(record));
    } else {
      TRY(delete_volume_backup(around_.database, record.id));
    }
  }
  for (const auto& name : TRY(list_names(directory))) {
    const bool known = std::any_of(backups_.begin(), backups_.end(),
                                   [&](const auto& backup) { return std::to_string(backup.first) == name; });
    if (!known && name != "uploads") TRY(remove_tree_at(directory, name));
  }
  return kOk;
}

Result<std::vector<VolumeBackupRecord>> CustomVolumeBackups::list(const VolumeKey& key) const {
  const auto id = TRY(volumes_.table().find(key)).id;
  std::vector<VolumeBackupRecord> records;
  const std::lock_guard lock(mutex_);
  for (const auto& [number, record] : backups_) {
    if (record.volume_id == id && record.ready) records.push_back(record);
  }
  return records;
}

Result<VolumeBackupRecord> CustomVolumeBackups::find(const VolumeKey& key, const std::string& name) const {
  for (auto& record : TRY(list(key))) {
    if (record.name == name) return record;
  }
  return not_found(key, name);
}

Result<VolumeBackupRecord> CustomVolumeBackups::reserve(const VolumeRecord& volume,
                                                        const VolumeBackupCreate& request) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [number, record] : backups_) {
    if (record.volume_id == volume.id) names.push_back(record.name);
  }
  VolumeBackupRecord record;
  record.volume_id = volume.id;
  record.created_at = std::chrono::system_clock::now();
  record.expires_at = request.expires_at;
  record.volume_only = request.volume_only;
  record.name = request.name.empty() ? TRY(next_snapshot_name("backup%d", names, record.created_at)) : request.name;
  TRY(check_snapshot_name(record.name));
  if (std::find(names.begin(), names.end(), record.name) != names.end()) return exists(record.name);
  TRY(insert_volume_backup(around_.database, record));
  backups_.emplace(record.id, record);
  return record;
}

void CustomVolumeBackups::forget(std::int64_t id) {
  ::unlink(path_of(id).c_str());  // whoever reads it reads on
  const std::lock_guard lock(mutex_);
  backups_.erase(id);
}

Result<OperationId> CustomVolumeBackups::create(const VolumeKey& key, const VolumeBackupCreate& request,
                                                const Caller& caller) {
  TRY(volumes_.check_backup(key));
  if (request.optimized) {
    return Error(ErrorKind::kUnsupported, "optimized_storage: backups are plain archives that every pool can take");
  }
  const auto compression = TRY(
      storage::parse_compression("compression_algorithm", request.compression.empty() ? "gzip" : request.compression));
  const auto backup = TRY(reserve(TRY(volumes_.table().find(key)), request));
  OperationRequest operation_request = volume_request("Creating custom volume backup", key);
  operation_request.resources["backups"] = {backup.name};
  operation_request.may_cancel = true;
  return around_.operations.start(
      std::move(operation_request),
      [this, key, backup, compression, caller](const OperationHandle& operation) -> Result<void> {
        const auto made = make(key, backup, compression, operation);
        if (!made.ok()) {
          (void)delete_volume_backup(around_.database, backup.id);
          forget(backup.id);
          return made;
        }
        volumes_.tell("backup-created", key, tail_of(backup.name), caller);
        return kOk;
      });
}

Result<void> CustomVolumeBackups::make(const VolumeKey& key, const VolumeBackupRecord& backup,
                                       const storage::Compression& compression, const OperationHandle& operation) {
  const auto claim = volumes_.table().claim({key});
  VolumeIndex index;
  index.volume = TRY(volumes_.table().find(key));
  index.backend = backend_name(TRY(around_.pools.find(key.pool)).driver);
  if (!backup.volume_only) index.snapshots = volumes_.table().snapshots(key);
  Rollback remove_copy;
  VolumeAt files = volume_at(key);
  if (!volumes_.check_not_running(key, "in use").ok()) {
    // An archive is of files that nobody changes meanwhile.
    const VolumeAt still = incoming_volume_at(key);
    TRY(around_.pools.remove_volume(still.pool, still.volume));
    remove_copy.add([this, still] { (void)around_.pools.remove_volume(still.pool, still.volume); });
    TRY(copy_volume(around_.pools, files, still, watch_copy(operation, "fs", "Copy")));
    files = still;
  }
  TRY(write(index, files, backup, compression, watch_pack(operation, "create_backup", "Backup")));
  VolumeBackupRecord ready = backup;
  ready.ready = true;
  TRY(update_volume_backup(around_.database, ready));
  const std::lock_guard lock(mutex_);
  backups_[backup.id].ready = true;
  return kOk;
}

Result<void> CustomVolumeBackups::add_files(storage::ArchiveWriter& archive, const std::string& name,
                                            const VolumeAt& volume, VolumeContent content,
                                            const storage::Watch& watch) {
  const Fd tree = TRY(open_volume_tree(around_.pools, volume));
  if (content == VolumeContent::kBlock) return archive.add_member(name + ".img", tree, kBlockFileName, watch);
  return archive.add_tree(name, tree, watch);
}

Result<void> CustomVolumeBackups::write(const VolumeIndex& index, const VolumeAt& files,
                                        const VolumeBackupRecord& backup, const storage::Compression& compression,
                                        const storage::Watch& watch) {
  const Fd file = TRY(open_path(path_of(backup.id), O_WRONLY | O_CREAT | O_TRUNC, 0600));
  auto archive = TRY(storage::ArchiveWriter::open(file, compression));
  TRY(archive.add_directory("backup"));
  TRY(archive.add_text("backup/index.yaml", format_volume_index(index)));
  if (!index.snapshots.empty()) TRY(archive.add_directory("backup/volume-snapshots"));
  for (const VolumeRecord& snapshot : index.snapshots) {
    TRY(add_files(archive, "backup/volume-snapshots/" + snapshot.snapshot,
                  volume_snapshot_at(index.volume.key, snapshot.snapshot), snapshot.content, watch));
  }
  TRY(add_files(archive, "backup/volume", files, index.volume.content, watch));
  TRY(archive.finish());
  return sync_fd(file, "backup " + backup.name);
}

Result<OperationId> CustomVolumeBackups::rename(const VolumeKey& key, const std::string& name, const std::string& to,
                                                const Caller& caller) {
  TRY(check_snapshot_name(to));
  VolumeBackupRecord record = TRY(find(key, name));
  if (find(key, to).ok()) return exists(to);
  record.name = to;
  return around_.operations.start(
      volume_request("Renaming custom volume backup", key),
      [this, key, record, caller](const OperationHandle&) -> Result<void> {
        TRY(update_volume_backup(around_.database, record));
        {
          const std::lock_guard lock(mutex_);
          if (const auto found = backups_.find(record.id); found != backups_.end()) found->second.name = record.name;
        }
        volumes_.tell("backup-renamed", key, tail_of(record.name), caller);
        return kOk;
      });
}

Result<OperationId> CustomVolumeBackups::remove(const VolumeKey& key, const std::string& name, const Caller& caller) {
  const auto record = TRY(find(key, name));
  return around_.operations.start(
      volume_request("Deleting custom volume backup", key),
      [this, key, record, caller](const OperationHandle&) { return remove_now(key, record, caller); });
}

Result<void> CustomVolumeBackups::remove_now(const VolumeKey& key, const VolumeBackupRecord& backup,
                                             const Caller& caller) {
  TRY(delete_volume_backup(around_.database, backup.id));
  forget(backup.id);
  volumes_.tell("backup-deleted", key, tail_of(backup.name), caller);
  return kOk;
}

Result<Fd> CustomVolumeBackups::open(const VolumeKey& key, const std::string& name, const Caller& caller) {
  const auto record = TRY(find(key, name));
  Fd file = TRY(open_path(path_of(record.id), O_RDONLY));
  volumes_.tell("backup-retrieved", key, tail_of(name), caller);
  return file;
}

Result<OperationId> CustomVolumeBackups::import(const VolumeImport& request, const Caller& caller) {
  Rollback discard;
  discard.add([&] { ::unlink(request.path.c_str()); });
  auto archive = std::make_shared<Fd>(TRY(open_path(request.path, O_RDONLY)));
  // The descriptor is enough from here on, and nothing is left behind whatever happens.
  discard.undo();
  const auto index = TRY(parse_volume_index(TRY_CONTEXT("backup", storage::read_backup_index(*archive, {}))));
  CustomVolumeCreate create{request.key, index.volume.content, index.volume.description, index.volume.config};
  if (create.key.name.empty()) create.key.name = index.volume.key.name;
  TRY(volumes_.new_record(create));
  if (volumes_.table().find(create.key).ok())
    return Error(ErrorKind::kExists, "Volume by that name already exists: " + key_text(create.key));
  OperationRequest operation_request = volume_request("Restoring custom volume backup", create.key);
  operation_request.may_cancel = true;
  return around_.operations.start(
      std::move(operation_request),
      [this, create, index, archive, caller](const OperationHandle& operation) -> Result<void> {
        const auto claim = volumes_.table().claim({create.key});
        VolumeRecord record = TRY(volumes_.new_record(create));
        record.created_at = index.volume.created_at;
        const auto watch = watch_copy(operation, "fs", "Unpack");
        Rollback undo;
        if (!volumes_.table().find(record.key).ok())
          undo.add([&] { snapshots_.discard(record.key); });
        TRY(volumes_.make(record, [&] { return fill(record.key, index, *archive, watch); }, caller));
        undo.commit();
        return kOk;
      });
}

Result<void> CustomVolumeBackups::fill(const VolumeKey& key, const VolumeIndex& index, const Fd& archive,
                                       const storage::Watch& watch) {
  for (VolumeRecord snapshot : index.snapshots) {
    snapshot.id = 0;
    snapshot.key = key;
    TRY(snapshots_.make(snapshot, [&]() -> Result<void> {
      const VolumeAt incoming = incoming_volume_at(key);
      TRY(around_.pools.remove_volume(incoming.pool, incoming.volume));
      TRY(unpack(incoming, index, archive, "backup/volume-snapshots/" + snapshot.snapshot, watch));
      return rename_volume(around_.pools, incoming, stored_snapshot(key, snapshot.snapshot));
    }));
  }
  return unpack(volume_at(key), index, archive, "backup/volume", watch);
}

Result<void> CustomVolumeBackups::unpack(const VolumeAt& volume, const VolumeIndex& index, const Fd& archive,
                                         const std::string& part, const storage::Watch& watch) {
  const auto pool = TRY(around_.pools.access(volume.pool));
  TRY(pool.driver->create_volume(volume.volume, "", watch));
  const DirFd directory = TRY(storage::open_volume_directory(pool.spec, volume.volume));
  const auto owners = TRY(owners_in(index));
  TRY_CONTEXT(part,
              storage::unpack_backup_volume(archive, part, owners, directory, storage::UnpackLimits{}, watch));
  if (::syncfs(directory.get()) != 0) return errno_error(errno, "syncfs");
  return kOk;
}

bool CustomVolumeBackups::ended(const VolumeBackupRecord& backup, Timestamp now) const {
  if (!backup.ready) return false;
  if (backup.expires_at && *backup.expires_at <= now) return true;
  const auto volumes = volumes_.table().volumes("", "");
  return std::none_of(volumes.begin(), volumes.end(),
                      [&](const VolumeRecord& volume) { return volume.id == backup.volume_id; });
}

std::optional<Timestamp> CustomVolumeBackups::next_sweep(Timestamp now) const {
  std::vector<VolumeBackupRecord> records;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, record] : backups_) records.push_back(record);
  }
  std::optional<Timestamp> next;
  for (const VolumeBackupRecord& record : records) {
    if (ended(record, now)) return now;
    if (record.ready && record.expires_at && (!next || *record.expires_at < *next)) next = record.expires_at;
  }
  return next;
}

void CustomVolumeBackups::sweep(Timestamp now) {
  std::vector<VolumeBackupRecord> records;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, record] : backups_) records.push_back(record);
  }
  for (const VolumeBackupRecord& record : records) {
    if (!ended(record, now)) continue;
    const auto removed = delete_volume_backup(around_.database, record.id);
    if (removed.ok()) {
      forget(record.id);
    } else {
      around_.events.log({"eror", "cannot delete backup " + record.name + ": " + removed.error().message(), {}});
    }
  }
}

}  // namespace cella::manager
