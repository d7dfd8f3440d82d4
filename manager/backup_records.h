// Backups of instances in the database; their files are STATE/backups/ID.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/operation.h"

namespace cella::manager {

class Database;
struct Schema;

struct BackupRecord {
  std::int64_t id = 0;
  std::int64_t instance_id = 0;
  std::string name;
  bool ready = false;  // not yet: the file may be half-written; removed at start
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  bool instance_only = false;
};

// After instance_schema().
const Schema& backup_schema();
Result<std::vector<BackupRecord>> load_backups(Database& database);
// Returns the new id. Errors: kExists for a name that the instance has already.
Result<std::int64_t> insert_backup(Database& database, const BackupRecord& record);
// Name and readiness as in the record.
Result<void> update_backup(Database& database, const BackupRecord& record);
Result<void> delete_backup(Database& database, std::int64_t id);

}  // namespace cella::manager
