#include "manager/custom_volume_records.h"

#include <map>

#include "manager/database.h"
#include "manager/instance_records.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE custom_volumes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pool TEXT NOT NULL REFERENCES storage_pools (name),
  project TEXT NOT NULL,
  name TEXT NOT NULL,
  snapshot TEXT NOT NULL DEFAULT '',
  content INTEGER NOT NULL,
  phase INTEGER NOT NULL,
  next_name TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  UNIQUE (pool, project, name, snapshot)
);
CREATE TABLE custom_volume_config (
  volume_id INTEGER NOT NULL REFERENCES custom_volumes (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (volume_id, key)
) WITHOUT ROWID;
CREATE TABLE custom_volume_backups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  volume_id INTEGER NOT NULL REFERENCES custom_volumes (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  ready INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  volume_only INTEGER NOT NULL,
  UNIQUE (volume_id, name)
);
)"}};

std::optional<std::int64_t> nanoseconds_or_null(const std::optional<Timestamp>& time) {
  if (!time) return std::nullopt;
  return to_nanoseconds(*time);
}

Result<void> write_config(Database& database, const VolumeRecord& record) {
  auto clear = TRY(database.prepare("DELETE FROM custom_volume_config WHERE volume_id = ?"));
  TRY(clear.bind(record.id).run());
  auto insert = TRY(database.prepare("INSERT INTO custom_volume_config (volume_id, key, value) VALUES (?, ?, ?)"));
  for (const auto& [key, value] : record.config) TRY(insert.bind(record.id, key, value).run());
  return kOk;
}

}  // namespace

const Schema& custom_volume_schema() {
  static const Schema schema{"custom_volumes", kMigrations};
  return schema;
}

Result<std::vector<VolumeRecord>> load_volumes(Database& database) {
  std::map<std::int64_t, VolumeRecord> found;
  auto rows = TRY(
      database.prepare("SELECT id, pool, project, name, snapshot, content, phase, next_name, description, created_at, "
                       "expires_at FROM custom_volumes"));
  while (TRY(rows.step())) {
    VolumeRecord record;
    record.id = rows.number(0);
    record.key = {rows.text(1), rows.text(2), rows.text(3)};
    record.snapshot = rows.text(4);
    record.content = static_cast<VolumeContent>(rows.number(5));
    record.phase = static_cast<VolumePhase>(rows.number(6));
    record.next_name = rows.text(7);
    record.description = rows.text(8);
    record.created_at = from_nanoseconds(rows.number(9));
    if (!rows.is_null(10)) record.expires_at = from_nanoseconds(rows.number(10));
    found.emplace(record.id, std::move(record));
  }
  auto keys = TRY(database.prepare("SELECT volume_id, key, value FROM custom_volume_config"));
  while (TRY(keys.step())) found[keys.number(0)].config[keys.text(1)] = keys.text(2);
  std::vector<VolumeRecord> records;
  for (auto& [id, record] : found) records.push_back(std::move(record));
  return records;
}

Result<void> insert_volume(Database& database, VolumeRecord& record) {
  auto transaction = TRY(database.begin());
  {
    auto insert = TRY(database.prepare(
        "INSERT INTO custom_volumes (pool, project, name, snapshot, content, phase, next_name, description, "
        "created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    insert.bind(record.key.pool, record.key.project, record.key.name, record.snapshot,
                static_cast<std::int64_t>(record.content), static_cast<std::int64_t>(record.phase), record.next_name,
                record.description, to_nanoseconds(record.created_at), nanoseconds_or_null(record.expires_at));
    TRY_CONTEXT(key_text(record.key), insert.run());
    record.id = database.last_insert_id();
    TRY(write_config(database, record));
  }
  return transaction.commit();
}

Result<void> update_volume(Database& database, const VolumeRecord& record) {
  auto transaction = TRY(database.begin());
  {
    auto update = TRY(
        database.prepare("UPDATE custom_volumes SET name = ?, snapshot = ?, phase = ?, next_name = ?, description = ?, "
                         "created_at = ?, expires_at = ? WHERE id = ?"));
    update.bind(record.key.name, record.snapshot, static_cast<std::int64_t>(record.phase), record.next_name,
                record.description, to_nanoseconds(record.created_at), nanoseconds_or_null(record.expires_at),
                record.id);
    TRY(update.run());
    TRY(write_config(database, record));
  }
  return transaction.commit();
}

Result<void> set_volume_phase(Database& database, std::int64_t id, VolumePhase phase, const std::string& next_name) {
  auto update = TRY(database.prepare("UPDATE custom_volumes SET phase = ?, next_name = ? WHERE id = ?"));
  return update.bind(static_cast<std::int64_t>(phase), next_name, id).run();
}

Result<void> rename_volume_records(Database& database, const VolumeKey& from, const std::string& to) {
  auto transaction = TRY(database.begin());
  {
    auto settle = TRY(database.prepare(
        "UPDATE custom_volumes SET phase = ?, next_name = name WHERE pool = ? AND project = ? AND name = ? AND "
        "snapshot = ''"));
    TRY(settle.bind(static_cast<std::int64_t>(VolumePhase::kSettling), from.pool, from.project, from.name).run());
    auto update =
        TRY(database.prepare("UPDATE custom_volumes SET name = ? WHERE pool = ? AND project = ? AND name = ?"));
    TRY(update.bind(to, from.pool, from.project, from.name).run());
  }
  return transaction.commit();
}

Result<void> delete_volume(Database& database, std::int64_t id) {
  auto remove = TRY(database.prepare("DELETE FROM custom_volumes WHERE id = ?"));
  return remove.bind(id).run();
}

Result<std::vector<VolumeBackupRecord>> load_volume_backups(Database& database) {
  std::vector<VolumeBackupRecord> records;
  auto rows = TRY(database.prepare(
      "SELECT id, volume_id, name, ready, created_at, expires_at, volume_only FROM custom_volume_backups ORDER BY id"));
  while (TRY(rows.step())) {
    VolumeBackupRecord record;
    record.id = rows.number(0);
    record.volume_id = rows.number(1);
    record.name = rows.text(2);
    record.ready = rows.truth(3);
    record.created_at = from_nanoseconds(rows.number(4));
    if (!rows.is_null(5)) record.expires_at = from_nanoseconds(rows.number(5));
    record.volume_only = rows.truth(6);
    records.push_back(std::move(record));
  }
  return records;
}

Result<void> insert_volume_backup(Database& database, VolumeBackupRecord& record) {
  auto transaction = TRY(database.begin());
  {
    auto insert = TRY(database.prepare(
        "INSERT INTO custom_volume_backups (volume_id, name, ready, created_at, expires_at, volume_only) "
        "VALUES (?, ?, ?, ?, ?, ?)"));
    insert.bind(record.volume_id, record.name, record.ready, to_nanoseconds(record.created_at),
                nanoseconds_or_null(record.expires_at), record.volume_only);
    TRY(insert.run());
  }
  record.id = database.last_insert_id();
  return transaction.commit();
}

Result<void> update_volume_backup(Database& database, const VolumeBackupRecord& record) {
  auto update = TRY(database.prepare("UPDATE custom_volume_backups SET name = ?, ready = ? WHERE id = ?"));
  return update.bind(record.name, record.ready, record.id).run();
}

Result<void> delete_volume_backup(Database& database, std::int64_t id) {
  auto remove = TRY(database.prepare("DELETE FROM custom_volume_backups WHERE id = ?"));
  return remove.bind(id).run();
}

}  // namespace cella::manager
