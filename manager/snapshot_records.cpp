#include "manager/snapshot_records.h"

#include <map>

#include "manager/database.h"
#include "manager/instance_records.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE instance_snapshots (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  instance_id INTEGER NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  phase INTEGER NOT NULL,
  next_name TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  description TEXT NOT NULL,
  architecture TEXT NOT NULL,
  ephemeral INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  UNIQUE (instance_id, name)
);
CREATE TABLE snapshot_config (
  snapshot_id INTEGER NOT NULL REFERENCES instance_snapshots (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (snapshot_id, key)
) WITHOUT ROWID;
CREATE TABLE snapshot_devices (
  snapshot_id INTEGER NOT NULL REFERENCES instance_snapshots (id) ON DELETE CASCADE,
  device TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (snapshot_id, device, key)
) WITHOUT ROWID;
CREATE TABLE snapshot_profiles (
  snapshot_id INTEGER NOT NULL REFERENCES instance_snapshots (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  profile TEXT NOT NULL,
  PRIMARY KEY (snapshot_id, position)
) WITHOUT ROWID;
CREATE TABLE instance_pauses (
  instance_id INTEGER PRIMARY KEY REFERENCES instances (id) ON DELETE CASCADE
);
)"}};

constexpr std::int64_t kAll = -1;

std::optional<std::int64_t> nanoseconds_or_null(const std::optional<Timestamp>& time) {
  if (!time) return std::nullopt;
  return to_nanoseconds(*time);
}

using ById = std::map<std::int64_t, SnapshotRecord>;

Result<ById> load_rows(Database& database, std::int64_t instance_id) {
  ById records;
  auto query = TRY(database.prepare(
      "SELECT id, instance_id, name, phase, next_name, created_at, expires_at, description, architecture, ephemeral, "
      "last_used_at FROM instance_snapshots WHERE ?1 = -1 OR instance_id = ?1"));
  query.bind(instance_id);
  while (TRY(query.step())) {
    SnapshotRecord& record = records[query.number(0)];
    record.id = query.number(0);
    record.instance_id = query.number(1);
    record.name = query.text(2);
    record.phase = static_cast<SnapshotPhase>(query.number(3));
    record.next_name = query.text(4);
    record.created_at = from_nanoseconds(query.number(5));
    if (!query.is_null(6)) record.expires_at = from_nanoseconds(query.number(6));
    record.description = query.text(7);
    record.architecture = query.text(8);
    record.ephemeral = query.truth(9);
    record.last_used_at = from_nanoseconds(query.number(10));
  }
  return records;
}

Result<void> load_parts(Database& database, ById& records) {
  const auto find = [&](std::int64_t id) {
    const auto found = records.find(id);
    return found == records.end() ? nullptr : &found->second;
  };
  auto config = TRY(database.prepare("SELECT snapshot_id, key, value FROM snapshot_config"));
  while (TRY(config.step())) {
    if (auto* record = find(config.number(0))) record->config[config.text(1)] = config.text(2);
  }
  auto devices = TRY(database.prepare("SELECT snapshot_id, device, key, value FROM snapshot_devices"));
  while (TRY(devices.step())) {
    if (auto* record = find(devices.number(0))) record->devices[devices.text(1)][devices.text(2)] = devices.text(3);
  }
  auto profiles =
      TRY(database.prepare("SELECT snapshot_id, profile FROM snapshot_profiles ORDER BY snapshot_id, position"));
  while (TRY(profiles.step())) {
    if (auto* record = find(profiles.number(0))) record->profiles.push_back(profiles.text(1));
  }
  return kOk;
}

Result<void> insert_devices(Database& database, std::int64_t id, const Devices& devices) {
  auto insert =
      TRY(database.prepare("INSERT INTO snapshot_devices (snapshot_id, device, key, value) VALUES (?, ?, ?, ?)"));
  for (const auto& [name, device] : devices) {
    for (const auto& [key, value] : device) TRY(insert.bind(id, name, key, value).run());
  }
  return kOk;
}

Result<void> insert_parts(Database& database, std::int64_t id, const SnapshotRecord& record) {
  auto config = TRY(database.prepare("INSERT INTO snapshot_config (snapshot_id, key, value) VALUES (?, ?, ?)"));
  for (const auto& [key, value] : record.config) TRY(config.bind(id, key, value).run());
  TRY(insert_devices(database, id, record.devices));
  auto profiles =
      TRY(database.prepare("INSERT INTO snapshot_profiles (snapshot_id, position, profile) VALUES (?, ?, ?)"));
  std::int64_t position = 0;
  for (const auto& profile : record.profiles) TRY(profiles.bind(id, position++, profile).run());
  return kOk;
}

Result<void> run_with_id(Database& database, const char* sql, std::int64_t id) {
  auto statement = TRY(database.prepare(sql));
  return statement.bind(id).run();
}

}  // namespace

const Schema& snapshot_schema() {
  static const Schema schema{"snapshots", kMigrations};
  return schema;
}

Result<std::vector<SnapshotRecord>> load_snapshots(Database& database, std::optional<std::int64_t> instance_id) {
  auto by_id = TRY(load_rows(database, instance_id.value_or(kAll)));
  TRY(load_parts(database, by_id));
  std::vector<SnapshotRecord> records;
  for (auto& [id, record] : by_id) records.push_back(std::move(record));
  return records;
}

Result<std::int64_t> insert_snapshot(Database& database, const SnapshotRecord& record) {
  auto transaction = TRY(database.begin());
  {
    auto insert = TRY(database.prepare(
        "INSERT INTO instance_snapshots (instance_id, name, phase, created_at, expires_at, description, architecture, "
        "ephemeral, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    TRY(insert
            .bind(record.instance_id, record.name, static_cast<int>(record.phase), to_nanoseconds(record.created_at),
                  nanoseconds_or_null(record.expires_at), record.description, record.architecture, record.ephemeral,
                  to_nanoseconds(record.last_used_at))
            .run());
  }
  const auto id = database.last_insert_id();
  TRY(insert_parts(database, id, record));
  TRY(transaction.commit());
  return id;
}

Result<void> update_snapshot(Database& database, const SnapshotRecord& record) {
  auto update = TRY(database.prepare(
      "UPDATE instance_snapshots SET name = ?, phase = ?, next_name = ?, expires_at = ? WHERE id = ?"));
  return update
      .bind(record.name, static_cast<int>(record.phase), record.next_name, nanoseconds_or_null(record.expires_at),
            record.id)
      .run();
}

Result<void> update_snapshot_devices(Database& database, const SnapshotRecord& record) {
  auto transaction = TRY(database.begin());
  TRY(run_with_id(database, "DELETE FROM snapshot_devices WHERE snapshot_id = ?", record.id));
  TRY(insert_devices(database, record.id, record.devices));
  return transaction.commit();
}

Result<void> delete_snapshot(Database& database, std::int64_t id) {
  return run_with_id(database, "DELETE FROM instance_snapshots WHERE id = ?", id);
}

Result<void> write_pause(Database& database, std::int64_t instance_id) {
  return run_with_id(database, "INSERT OR REPLACE INTO instance_pauses (instance_id) VALUES (?)", instance_id);
}

Result<void> remove_pause(Database& database, std::int64_t instance_id) {
  return run_with_id(database, "DELETE FROM instance_pauses WHERE instance_id = ?", instance_id);
}

Result<std::vector<std::int64_t>> load_pauses(Database& database) {
  std::vector<std::int64_t> ids;
  auto query = TRY(database.prepare("SELECT instance_id FROM instance_pauses"));
  while (TRY(query.step())) ids.push_back(query.number(0));
  return ids;
}

}  // namespace cella::manager
