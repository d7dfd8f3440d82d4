#include "manager/profile_records.h"

#include "manager/database.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE profiles (
  project TEXT NOT NULL DEFAULT 'default',
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  PRIMARY KEY (project, name)
) WITHOUT ROWID;
CREATE TABLE profile_config (
  project TEXT NOT NULL DEFAULT 'default',
  profile TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (project, profile, key),
  FOREIGN KEY (project, profile) REFERENCES profiles (project, name) ON DELETE CASCADE ON UPDATE CASCADE
) WITHOUT ROWID;
CREATE TABLE profile_devices (
  project TEXT NOT NULL DEFAULT 'default',
  profile TEXT NOT NULL,
  device TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (project, profile, device, key),
  FOREIGN KEY (project, profile) REFERENCES profiles (project, name) ON DELETE CASCADE ON UPDATE CASCADE
) WITHOUT ROWID;
)"}};

}  // namespace

const Schema& profile_schema() {
  static const Schema schema{"profiles", kMigrations};
  return schema;
}

Result<std::map<ProfileKey, ProfileRecord>> load_profiles(Database& database) {
  std::map<ProfileKey, ProfileRecord> records;
  auto names = TRY(database.prepare("SELECT project, name, description FROM profiles"));
  while (TRY(names.step())) records[{names.text(0), names.text(1)}].description = names.text(2);
  auto config = TRY(database.prepare("SELECT project, profile, key, value FROM profile_config"));
  while (TRY(config.step())) records[{config.text(0), config.text(1)}].config[config.text(2)] = config.text(3);
  auto devices = TRY(database.prepare("SELECT project, profile, device, key, value FROM profile_devices"));
  while (TRY(devices.step())) {
    records[{devices.text(0), devices.text(1)}].devices[devices.text(2)][devices.text(3)] = devices.text(4);
  }
  return records;
}

Result<void> store_profile(Database& database, const ProfileKey& key, const ProfileRecord& record) {
  const auto& [project, name] = key;
  auto transaction = TRY(database.begin());
  TRY(delete_profile(database, key));
  {
    auto insert = TRY(database.prepare("INSERT INTO profiles (project, name, description) VALUES (?, ?, ?)"));
    TRY(insert.bind(project, name, record.description).run());
    auto config =
        TRY(database.prepare("INSERT INTO profile_config (project, profile, key, value) VALUES (?, ?, ?, ?)"));
    for (const auto& [item, value] : record.config) TRY(config.bind(project, name, item, value).run());
    auto devices = TRY(database.prepare(
        "INSERT INTO profile_devices (project, profile, device, key, value) VALUES (?, ?, ?, ?, ?)"));
    for (const auto& [device, keys] : record.devices) {
      for (const auto& [item, value] : keys) TRY(devices.bind(project, name, device, item, value).run());
    }
  }
  return transaction.commit();
}

Result<void> rename_profile_record(Database& database, const ProfileKey& key, const std::string& to) {
  auto update = TRY(database.prepare("UPDATE profiles SET name = ? WHERE project = ? AND name = ?"));
  return update.bind(to, key.first, key.second).run();
}

Result<void> delete_profile(Database& database, const ProfileKey& key) {
  auto remove = TRY(database.prepare("DELETE FROM profiles WHERE project = ? AND name = ?"));
  return remove.bind(key.first, key.second).run();
}

}  // namespace cella::manager
