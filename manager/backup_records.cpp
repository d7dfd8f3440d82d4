#include "manager/backup_records.h"

#include "manager/database.h"
#include "manager/instance_records.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE instance_backups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  instance_id INTEGER NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  ready INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  instance_only INTEGER NOT NULL,
  UNIQUE (instance_id, name)
);
)"}};

}  // namespace

const Schema& backup_schema() {
  static const Schema schema{"backups", kMigrations};
  return schema;
}

Result<std::vector<BackupRecord>> load_backups(Database& database) {
  std::vector<BackupRecord> records;
  auto query = TRY(database.prepare(
      "SELECT id, instance_id, name, ready, created_at, expires_at, instance_only FROM instance_backups ORDER BY id"));
  while (TRY(query.step())) {
    BackupRecord record;
    record.id = query.number(0);
    record.instance_id = query.number(1);
    record.name = query.text(2);
    record.ready = query.truth(3);
    record.created_at = from_nanoseconds(query.number(4));
    if (!query.is_null(5)) record.expires_at = from_nanoseconds(query.number(5));
    record.instance_only = query.truth(6);
    records.push_back(std::move(record));
  }
  return records;
}

Result<std::int64_t> insert_backup(Database& database, const BackupRecord& record) {
  std::optional<std::int64_t> expires_at;
  if (record.expires_at) expires_at = to_nanoseconds(*record.expires_at);
  auto transaction = TRY(database.begin());
  {
    auto insert = TRY(database.prepare(
        "INSERT INTO instance_backups (instance_id, name, ready, created_at, expires_at, instance_only) "
        "VALUES (?, ?, ?, ?, ?, ?)"));
    TRY(insert
            .bind(record.instance_id, record.name, record.ready, to_nanoseconds(record.created_at), expires_at,
                  record.instance_only)
            .run());
  }
  const auto id = database.last_insert_id();
  TRY(transaction.commit());
  return id;
}

Result<void> update_backup(Database& database, const BackupRecord& record) {
  auto update = TRY(database.prepare("UPDATE instance_backups SET name = ?, ready = ? WHERE id = ?"));
  return update.bind(record.name, record.ready, record.id).run();
}

Result<void> delete_backup(Database& database, std::int64_t id) {
  auto remove = TRY(database.prepare("DELETE FROM instance_backups WHERE id = ?"));
  return remove.bind(id).run();
}

}  // namespace cella::manager
