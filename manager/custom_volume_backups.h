// Backups of custom volumes: a volume with its snapshots as one file, and volumes made from such files.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/custom_volume_index.h"
#include "manager/custom_volume_snapshots.h"
#include "manager/custom_volumes.h"
#include "manager/volume_copies.h"
#include "storage/archive_writer.h"

namespace cella::manager {

struct VolumeBackupCreate {
  std::string name;  // empty: backup0, backup1 …
  std::optional<Timestamp> expires_at;
  bool volume_only = false;  // without snapshots
  bool optimized = false;    // refused: kUnsupported
  std::string compression;   // empty: gzip
};

struct VolumeImport {
  std::string path;  // of the file, which is taken over: below upload_directory()
  VolumeKey key;     // an empty name: as in the backup
};

// Thread-safe. Outlived by volumes and snapshots; outlives every operation it starts.
class CustomVolumeBackups {
 public:
  using Caller = CustomVolumes::Caller;
  CustomVolumeBackups(CustomVolumes& volumes, CustomVolumeSnapshots& snapshots, const std::string& state_dir)
      : volumes_(volumes),
        snapshots_(snapshots),
        around_(volumes.wiring()),
        directory_(state_dir + "/volume-backups") {}
  // Reads the records; removes what a killed daemon left half-made. Call before anything else.
  Result<void> load();

  Result<std::vector<VolumeBackupRecord>> list(const VolumeKey& key) const;
  Result<VolumeBackupRecord> find(const VolumeKey& key, const std::string& name) const;  // kNotFound
  // A volume that a running instance has mounted is copied first. The operation names the backup in its resources.
  Result<OperationId> create(const VolumeKey& key, const VolumeBackupCreate& request, const Caller& caller);
  Result<OperationId> rename(const VolumeKey& key, const std::string& name, const std::string& to,
                             const Caller& caller);
  Result<OperationId> remove(const VolumeKey& key, const std::string& name, const Caller& caller);
  // The file, to be read now. Errors: kNotFound.
  Result<Fd> open(const VolumeKey& key, const std::string& name, const Caller& caller);

  // Where uploads are to be written. Swept at start.
  std::string upload_directory() const { return directory_ + "/uploads"; }
  // Makes a volume from a file. Errors: kInvalid for what is no backup of a custom volume; kUnsupported; kExists.
  Result<OperationId> import(const VolumeImport& request, const Caller& caller);

  // Removes backups that have expired, and files whose volume is gone.
  void sweep(Timestamp now);
  // When there is something to sweep next.
  std::optional<Timestamp> next_sweep(Timestamp now) const;

 private:
  std::string path_of(std::int64_t id) const { return directory_ + "/" + std::to_string(id); }
  bool ended(const VolumeBackupRecord& backup, Timestamp now) const;
  Result<VolumeBackupRecord> reserve(const VolumeRecord& volume, const VolumeBackupCreate& request);
  Result<void> make(const VolumeKey& key, const VolumeBackupRecord& backup, const storage::Compression& compression,
                    const OperationHandle& operation);
  Result<void> write(const VolumeIndex& index, const VolumeAt& files, const VolumeBackupRecord& backup,
                     const storage::Compression& compression, const storage::Watch& watch);
  Result<void> add_files(storage::ArchiveWriter& archive, const std::string& name, const VolumeAt& volume,
                         VolumeContent content, const storage::Watch& watch);
  Result<void> remove_now(const VolumeKey& key, const VolumeBackupRecord& backup, const Caller& caller);
  void forget(std::int64_t id);
  Result<void> fill(const VolumeKey& key, const VolumeIndex& index, const Fd& archive, const storage::Watch& watch);
  Result<void> unpack(const VolumeAt& volume, const VolumeIndex& index, const Fd& archive, const std::string& part,
                      const storage::Watch& watch);

  CustomVolumes& volumes_;
  CustomVolumeSnapshots& snapshots_;
  const CustomVolumes::Wiring& around_;
  const std::string directory_;
  mutable std::mutex mutex_;
  std::map<std::int64_t, VolumeBackupRecord> backups_;  // by id
};

}  // namespace cella::manager
