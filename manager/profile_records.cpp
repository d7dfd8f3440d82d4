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

Result<std::map<std::string, ProfileRecord>> load_profiles(Database& database) {
  std::map<std::string, ProfileRecord> records;
  auto names = TRY(database.prepare("SELECT name, description FROM profiles"));
  while (TRY(names.step())) records[names.text(0)].description = names.text(1);
  auto config = TRY(database.prepare("SELECT profile, key, value FROM profile_config"));
  while (TRY(config.step())) records[config.text(0)].config[config.text(1)] = config.text(2);
  auto devices = TRY(database.prepare("SELECT profile, device, key, value FROM profile_devices"));
  while (TRY(devices.step())) records[devices.text(0)].devices[devices.text(1)][devices.text(2)] = devices.text(3);
  return records;
}

Result<void> store_profile(Database& database, const std::string& name, const ProfileRecord& record) {
  auto transaction = TRY(database.begin());
  TRY(delete_profile(database, name));
  {
    auto insert = TRY(database.prepare("INSERT INTO profiles (name, description) VALUES (?, ?)"));
    TRY(insert.bind(name, record.description).run());
    auto config = TRY(database.prepare("INSERT INTO profile_config (profile, key, value) VALUES (?, ?, ?)"));
    for (const auto& [key, value] : record.config) TRY(config.bind(name, key, value).run());
    auto devices =
        TRY(database.prepare("INSERT INTO profile_devices (profile, device, key, value) VALUES (?, ?, ?, ?)"));
    for (const auto& [device, keys] : record.devices) {
      for (const auto& [key, value] : keys) TRY(devices.bind(name, device, key, value).run());
    }
  }
  return transaction.commit();
}

Result<void> rename_profile_record(Database& database, const std::string& from, const std::string& to) {
  auto update = TRY(database.prepare("UPDATE profiles SET name = ? WHERE name = ?"));
  return update.bind(to, from).run();
}

Result<void> delete_profile(Database& database, const std::string& name) {
  auto remove = TRY(database.prepare("DELETE FROM profiles WHERE name = ?"));
  return remove.bind(name).run();
}

}  // namespace cella::manager
