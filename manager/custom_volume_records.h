// Custom volumes and their snapshots in the database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/custom_volume.h"

namespace cella::manager {

class Database;
struct Schema;

// How far a change has come; what a restarted daemon finishes or undoes.
enum class VolumePhase : std::uint8_t {
  kCreating,  // the volume may be missing or half-made: undone
  kReady,
  kRenaming,  // to next_name: finished
  kSettling,  // has its new name; devices may still say next_name, the old one: finished
  kSwapping,  // the volume's incoming copy takes its place: finished
  kDeleting,  // finished
};

// A volume, or one of its snapshots.
struct VolumeRecord {
  std::int64_t id = 0;
  VolumeKey key;
  std::string snapshot;  // empty: the volume itself
  VolumeContent content = VolumeContent::kFilesystem;
  VolumePhase phase = VolumePhase::kCreating;
  std::string next_name;  // while renaming
  std::string description;
  Config config;
  Timestamp created_at;
  std::optional<Timestamp> expires_at;  // of a snapshot
};

// After pool_schema().
const Schema& custom_volume_schema();

// In order of creation.
Result<std::vector<VolumeRecord>> load_volumes(Database& database);
// Sets record.id. Errors: kExists.
Result<void> insert_volume(Database& database, VolumeRecord& record);
// Everything but the pool, project and content type.
Result<void> update_volume(Database& database, const VolumeRecord& record);
Result<void> set_volume_phase(Database& database, std::int64_t id, VolumePhase phase, const std::string& next_name);
// Gives a volume and its snapshots another name; the volume is kSettling from then on.
Result<void> rename_volume_records(Database& database, const VolumeKey& from, const std::string& to);
Result<void> delete_volume(Database& database, std::int64_t id);

// Backups of custom volumes; their files are STATE/backups/volumes/ID.
struct VolumeBackupRecord {
  std::int64_t id = 0;
  std::int64_t volume_id = 0;
  std::string name;
  bool ready = false;  // not yet: the file may be half-written; removed at start
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  bool volume_only = false;
};
Result<std::vector<VolumeBackupRecord>> load_volume_backups(Database& database);
// Sets record.id. Errors: kExists for a name that the volume has already.
Result<void> insert_volume_backup(Database& database, VolumeBackupRecord& record);
// Name and readiness as in the record.
Result<void> update_volume_backup(Database& database, const VolumeBackupRecord& record);
Result<void> delete_volume_backup(Database& database, std::int64_t id);

}  // namespace cella::manager
