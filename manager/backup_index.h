// backup/index.yaml of a backup, in LXD's form: what is in the archive, and the instance's configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id_map.h"
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

// backup.yaml, which LXD keeps beside the files of an instance: only the `config` part of the index.
std::string format_instance_backup(const BackupIndex& index, const Pool& pool, const std::vector<Profile>& profiles);

// The map of an instance's files on disk as LXD notes it in volatile.last_state.idmap
// ([{"Isuid":true,"Isgid":false,"Hostid":100000,"Nsid":0,"Maprange":65536}, …]); nullopt: they have the instance's own
// ids. Errors: kInvalid naming the key.
Result<std::optional<IdMap>> ids_on_disk(const Config& config);

// Reads what LXD 5.0 or format_backup_index() wrote. Unknown members are passed over.
// Errors: kInvalid naming the member; kUnsupported for backups of virtual machines and volumes, for optimized ones
// (another driver's own format), and for those of LXD before 4.0, which have no configuration in the index.
Result<BackupIndex> parse_backup_index(std::string_view text);

}  // namespace cella::manager
