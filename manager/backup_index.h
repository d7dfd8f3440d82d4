// backup/index.yaml of a backup, in LXD's form: what is in the archive, and the instance's configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/instance.h"
#include "manager/pool.h"
#include "manager/profiles.h"
#include "manager/snapshot_records.h"

namespace cella::manager {

// What a backup says.
struct BackupIndex {
  std::string name;
  std::string backend;  // storage driver it was made on
  std::string pool;
  Instance instance;
  std::vector<SnapshotRecord> snapshots;  // those with files in the archive, in order
};

// profiles, pool: as LXD writes them along; nothing here reads them.
std::string format_backup_index(const BackupIndex& index, const Pool& pool, const std::vector<Profile>& profiles);

// Reads what LXD 5.0 or format_backup_index() wrote. Unknown members are passed over.
// Errors: kInvalid naming the member; kUnsupported for backups of virtual machines and volumes, for optimized ones
// (another driver's own format), and for those of LXD before 4.0, which have no configuration in the index.
Result<BackupIndex> parse_backup_index(std::string_view text);

}  // namespace cella::manager
