#include "manager/instance_records.h"

#include <chrono>
#include <map>

#include "manager/database.h"
#include "manager/instance_approval.h"
#include "manager/names.h"

namespace cella::manager {
namespace {

// Blobs (pidfs handles) are stored as text: SQLite keeps bytes bound as text unchanged.
constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE instances (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL DEFAULT 'default',
  name TEXT NOT NULL,
  phase INTEGER NOT NULL,
  next_name TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL,
  architecture TEXT NOT NULL,
  ephemeral INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  pool TEXT NOT NULL,
  UNIQUE (project, name)
);
CREATE TABLE instance_config (
  instance_id INTEGER NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (instance_id, key)
) WITHOUT ROWID;
CREATE TABLE instance_devices (
  instance_id INTEGER NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
  device TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (instance_id, device, key)
) WITHOUT ROWID;
CREATE TABLE instance_profiles (
  instance_id INTEGER NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  profile TEXT NOT NULL,
  PRIMARY KEY (instance_id, position)
) WITHOUT ROWID;
CREATE TABLE instance_runs (
  instance_id INTEGER PRIMARY KEY REFERENCES instances (id) ON DELETE CASCADE,
  pid INTEGER NOT NULL,
  start_time INTEGER NOT NULL,
  cgroup TEXT NOT NULL,
  handle TEXT NOT NULL
);
CREATE TABLE id_ranges (
  base INTEGER PRIMARY KEY,
  instance_id INTEGER NOT NULL UNIQUE REFERENCES instances (id) ON DELETE CASCADE
);
)"}, {2, R"(
ALTER TABLE id_ranges ADD COLUMN size INTEGER NOT NULL DEFAULT 65536;
)"}};

Result<void> insert_devices(Database& database, std::int64_t id, const Devices& devices) {
  auto insert = TRY(database.prepare("INSERT INTO instance_devices (instance_id, device, key, value) "
                                     "VALUES (?, ?, ?, ?)"));
  for (const auto& [name, device] : devices) {
    for (const auto& [key, value] : device) TRY(insert.bind(id, name, key, value).run());
  }
  return kOk;
}

Result<void> insert_profiles(Database& database, std::int64_t id, const std::vector<std::string>& profiles) {
  auto insert =
      TRY(database.prepare("INSERT INTO instance_profiles (instance_id, position, profile) VALUES (?, ?, ?)"));
  std::int64_t position = 0;
  for (const auto& profile : profiles) TRY(insert.bind(id, position++, profile).run());
  return kOk;
}

Result<void> update_config(Database& database, std::int64_t id, const Config& present, const Config& next) {
  auto put = TRY(database.prepare("INSERT OR REPLACE INTO instance_config (instance_id, key, value) VALUES (?, ?, ?)"));
  for (const auto& [key, value] : next) {
    const auto old = present.find(key);
    if (old == present.end() || old->second != value) TRY(put.bind(id, key, value).run());
  }
  auto remove = TRY(database.prepare("DELETE FROM instance_config WHERE instance_id = ? AND key = ?"));
  for (const auto& [key, value] : present) {
    if (!next.contains(key)) TRY(remove.bind(id, key).run());
  }
  return kOk;
}

Result<void> clear_table(Database& database, const char* sql, std::int64_t id) {
  auto statement = TRY(database.prepare(sql));
  return statement.bind(id).run();
}

using ById = std::map<std::int64_t, InstanceRecord>;

Result<ById> load_rows(Database& database) {
  ById records;
  auto query = TRY(database.prepare(
      "SELECT i.id, i.name, i.phase, i.next_name, i.description, i.architecture, i.ephemeral, i.created_at, "
      "i.last_used_at, i.pool, r.base, i.project, r.size FROM instances i LEFT JOIN id_ranges r ON r.instance_id = "
      "i.id"));
  while (TRY(query.step())) {
    InstanceRecord& record = records[query.number(0)];
    record.id = query.number(0);
    record.name = qualified_name(query.text(11), query.text(1));
    record.phase = static_cast<InstancePhase>(query.number(2));
    record.next_name = query.text(3);
    record.description = query.text(4);
    record.architecture = query.text(5);
    record.ephemeral = query.truth(6);
    record.created_at = from_nanoseconds(query.number(7));
    record.last_used_at = from_nanoseconds(query.number(8));
    record.pool = query.text(9);
    record.id_base = static_cast<std::uint32_t>(query.number(10));
    record.id_size = static_cast<std::uint32_t>(query.number(12));
  }
  return records;
}

Result<void> load_parts(Database& database, ById& records) {
  auto config = TRY(database.prepare("SELECT instance_id, key, value FROM instance_config"));
  while (TRY(config.step())) records[config.number(0)].config[config.text(1)] = config.text(2);
  auto devices = TRY(database.prepare("SELECT instance_id, device, key, value FROM instance_devices"));
  while (TRY(devices.step())) records[devices.number(0)].devices[devices.text(1)][devices.text(2)] = devices.text(3);
  auto profiles = TRY(database.prepare("SELECT instance_id, profile FROM instance_profiles "
                                       "ORDER BY instance_id, position"));
  while (TRY(profiles.step())) records[profiles.number(0)].profiles.push_back(profiles.text(1));
  auto runs = TRY(database.prepare("SELECT instance_id, pid, start_time, cgroup, handle FROM instance_runs"));
  while (TRY(runs.step())) {
    RunRecord run;
    run.init.pid = static_cast<pid_t>(runs.number(1));
    run.init.start_time = static_cast<std::uint64_t>(runs.number(2));
    run.cgroup = runs.text(3);
    run.handle = runs.text(4);
    records[runs.number(0)].run = std::move(run);
  }
  return kOk;
}

}  // namespace

const Schema& instance_schema() {
  static const Schema schema{"instances", kMigrations};
  return schema;
}

std::int64_t to_nanoseconds(Timestamp time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}
Timestamp from_nanoseconds(std::int64_t nanoseconds) {
  return Timestamp(std::chrono::duration_cast<Timestamp::duration>(std::chrono::nanoseconds(nanoseconds)));
}

Result<std::vector<InstanceRecord>> load_instances(Database& database) {
  auto by_id = TRY(load_rows(database));
  TRY(load_parts(database, by_id));
  std::vector<InstanceRecord> records;
  for (auto& [id, record] : by_id) records.push_back(std::move(record));
  return records;
}

Result<std::int64_t> insert_instance(Database& database, const ApprovedInstance& instance) {
  const InstanceRecord& record = instance.record();
  auto transaction = TRY(database.begin());
  {
    auto insert = TRY(database.prepare(
        "INSERT INTO instances (project, name, phase, description, architecture, ephemeral, created_at, last_used_at, "
        "pool) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    const auto [project, name] = split_name(record.name);
    TRY(insert
            .bind(project, name, static_cast<int>(record.phase), record.description, record.architecture,
                  record.ephemeral, to_nanoseconds(record.created_at), to_nanoseconds(record.last_used_at),
                  record.pool)
            .run());
  }
  const auto id = database.last_insert_id();
  TRY(update_config(database, id, {}, record.config));
  TRY(insert_devices(database, id, record.devices));
  TRY(insert_profiles(database, id, record.profiles));
  TRY(transaction.commit());
  return id;
}

namespace {

Result<void> write_changes(Database& database, const InstanceRecord& present, const InstanceRecord& next) {
  auto transaction = TRY(database.begin());
  {
    auto update = TRY(database.prepare(
        "UPDATE instances SET project = ?, name = ?, phase = ?, next_name = ?, description = ?, architecture = ?, "
        "ephemeral = ?, last_used_at = ?, pool = ? WHERE id = ?"));
    const auto [project, name] = split_name(next.name);
    TRY(update
            .bind(project, name, static_cast<int>(next.phase), next.next_name, next.description, next.architecture,
                  next.ephemeral, to_nanoseconds(next.last_used_at), next.pool, next.id)
            .run());
  }
  TRY(update_config(database, next.id, present.config, next.config));
  if (present.devices != next.devices) {
    TRY(clear_table(database, "DELETE FROM instance_devices WHERE instance_id = ?", next.id));
    TRY(insert_devices(database, next.id, next.devices));
  }
  if (present.profiles != next.profiles) {
    TRY(clear_table(database, "DELETE FROM instance_profiles WHERE instance_id = ?", next.id));
    TRY(insert_profiles(database, next.id, next.profiles));
  }
  return transaction.commit();
}

// Of configuration: what a policy looks at.
Config policed(const Config& config) {
  Config left = config;
  std::erase_if(left, [](const auto& entry) {
    return entry.first.starts_with("volatile.") || entry.first.starts_with("image.");
  });
  return left;
}

}  // namespace

Result<void> check_bookkeeping(const InstanceRecord& present, const InstanceRecord& next) {
  const char* differs = nullptr;
  if (policed(present.config) != policed(next.config)) differs = "configuration";
  if (present.devices != next.devices) differs = "devices";
  if (present.profiles != next.profiles) differs = "profiles";
  // A rename that was approved when it began is finished in its own time.
  const bool renaming = present.phase == InstancePhase::kRenaming && present.next_name == next.name;
  if (!renaming && project_of(present.name) != project_of(next.name)) differs = "project";
  if (differs == nullptr) return kOk;
  return Error(ErrorKind::kInternal,
               "instance " + short_name(next.name) + ": " + differs + " changed without approval");
}

Result<void> update_instance(Database& database, const InstanceRecord& present, const InstanceRecord& next) {
  TRY(check_bookkeeping(present, next));
  return write_changes(database, present, next);
}
Result<void> update_instance(Database& database, const InstanceRecord& present, const ApprovedInstance& next) {
  return write_changes(database, present, next.record());
}

Result<void> set_phase(Database& database, std::int64_t id, InstancePhase phase, const std::string& next_name) {
  auto update = TRY(database.prepare("UPDATE instances SET phase = ?, next_name = ? WHERE id = ?"));
  return update.bind(static_cast<int>(phase), next_name, id).run();
}

Result<void> write_run(Database& database, std::int64_t id, const RunRecord& run) {
  auto insert = TRY(database.prepare(
      "INSERT OR REPLACE INTO instance_runs (instance_id, pid, start_time, cgroup, handle) VALUES (?, ?, ?, ?, ?)"));
  return insert.bind(id, static_cast<std::int64_t>(run.init.pid), run.init.start_time, run.cgroup, run.handle).run();
}

Result<void> remove_run(Database& database, std::int64_t id) {
  return clear_table(database, "DELETE FROM instance_runs WHERE instance_id = ?", id);
}

Result<void> delete_instance(Database& database, std::int64_t id) {
  return clear_table(database, "DELETE FROM instances WHERE id = ?", id);
}

}  // namespace cella::manager
