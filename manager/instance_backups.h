// Backups: an instance with its snapshots as one file, and instances made from such files.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/backup_index.h"
#include "manager/backup_records.h"
#include "manager/instance_creation.h"
#include "manager/instance_files.h"
#include "manager/instance_set.h"
#include "manager/instance_snapshots.h"
#include "manager/instance_surroundings.h"
#include "manager/operations.h"
#include "storage/archive_writer.h"

namespace cella::manager {

struct BackupCreate {
  std::string name;  // empty: backup0, backup1 …
  std::optional<Timestamp> expires_at;
  bool instance_only = false;  // without snapshots
  bool optimized = false;      // refused: kUnsupported
  std::string compression;     // empty: gzip
};

struct BackupImport {
  std::string path;  // of the file, which is taken over: below upload_directory()
  std::string project = "default";
  std::string name;  // short; empty: as in the backup
  std::string pool;  // empty: as in the backup, else the default profile's
};

// Thread-safe. What it is given outlives every operation it starts.
class InstanceBackups {
 public:
  using Caller = std::optional<Requestor>;
  InstanceBackups(const InstanceSurroundings& around, InstanceFiles& files, InstanceCreation& creation,
                  InstanceSnapshots& snapshots, std::string state_dir)
      : around_(around),
        files_(files),
        creation_(creation),
        snapshots_(snapshots),
        directory_(state_dir + "/backups") {}
  // Reads the records; removes what a killed daemon left half-made. Call before anything else.
  Result<void> load();

  Result<std::vector<BackupRecord>> list(const std::string& instance) const;
  Result<BackupRecord> find(const std::string& instance, const std::string& name) const;  // kNotFound
  // A running container is held still while its files are copied. The operation names the backup in its resources.
  Result<OperationId> create(const std::string& instance, const BackupCreate& request, const Caller& caller);
  Result<OperationId> rename(const std::string& instance, const std::string& name, const std::string& to,
                             const Caller& caller);
  Result<OperationId> remove(const std::string& instance, const std::string& name, const Caller& caller);
  // The file, to be read now. Errors: kNotFound; kBusy while it is being made.
  Result<Fd> open(const std::string& instance, const std::string& name, const Caller& caller);

  // Where uploads are to be written. Swept at start.
  std::string upload_directory() const { return directory_ + "/uploads"; }
  // Makes an instance from a file. Errors: kInvalid for what is no backup; kUnsupported; kExists.
  Result<OperationId> import(const BackupImport& request, const Caller& caller);

  // Removes backups that have expired, and files whose instance is gone.
  void sweep(Timestamp now);
  // When sweep() has something to do next; nullopt: not until something changes.
  std::optional<Timestamp> next_sweep(Timestamp now) const;

 private:
  std::string path_of(std::int64_t id) const { return directory_ + "/" + std::to_string(id); }
  Result<BackupRecord> reserve(std::int64_t instance_id, const BackupCreate& request);
  Result<void> make(const EntryPtr& entry, const BackupRecord& backup, const storage::Compression& compression,
                    const OperationHandle& operation);
  Result<void> write(const EntryPtr& entry, const VolumeAt& root, const BackupRecord& backup,
                     const storage::Compression& compression, const OperationHandle& operation);
  Result<void> remove_now(const std::string& instance, const BackupRecord& backup, const Caller& caller);
  BackupIndex index_of(const EntryPtr& entry, const BackupRecord& backup) const;
  Result<InstanceRecord> imported_record(const BackupIndex& index, const BackupImport& request) const;
  Result<void> fill(const EntryPtr& entry, const BackupIndex& index, const Fd& archive,
                    const OperationHandle& operation);

  const InstanceSurroundings& around_;
  InstanceFiles& files_;
  InstanceCreation& creation_;
  InstanceSnapshots& snapshots_;
  const std::string directory_;
  mutable std::mutex mutex_;
  std::map<std::int64_t, BackupRecord> backups_;  // by id
};

}  // namespace cella::manager
