// Snapshots of instances in the database, and which instances are paused only for a copy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"
#include "manager/operation.h"

namespace cella::manager {

class Database;
struct Schema;

// How far the making or unmaking of a snapshot has come; what a restarted daemon finishes or undoes.
enum class SnapshotPhase : std::uint8_t {
  kCreating,  // the volume may be missing: undone
  kReady,
  kRenaming,  // to next_name: finished
  kDeleting,  // finished
};

// The instance as it was.
struct SnapshotRecord {
  std::int64_t id = 0;
  std::int64_t instance_id = 0;
  std::string name;  // without the instance's
  SnapshotPhase phase = SnapshotPhase::kCreating;
  std::string next_name;  // while renaming
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  std::string description;
  std::string architecture;
  bool ephemeral = false;
  Timestamp last_used_at;
  Config config;  // with volatile.*
  Devices devices;
  std::vector<std::string> profiles;
};

// Tables of snapshots and pauses; after instance_schema().
const Schema& snapshot_schema();

// In order of creation. instance_id: of one instance only.
Result<std::vector<SnapshotRecord>> load_snapshots(Database& database, std::optional<std::int64_t> instance_id);
// Returns the new id. Errors: kExists for a name that the instance has already.
Result<std::int64_t> insert_snapshot(Database& database, const SnapshotRecord& record);
// Name, phase, next name and expiry as in the record.
Result<void> update_snapshot(Database& database, const SnapshotRecord& record);
Result<void> update_snapshot_devices(Database& database, const SnapshotRecord& record);
Result<void> delete_snapshot(Database& database, std::int64_t id);

// Notes that an instance is being frozen by the daemon itself, so that the next daemon lets it go on.
Result<void> write_pause(Database& database, std::int64_t instance_id);
Result<void> remove_pause(Database& database, std::int64_t instance_id);
Result<std::vector<std::int64_t>> load_pauses(Database& database);

}  // namespace cella::manager
