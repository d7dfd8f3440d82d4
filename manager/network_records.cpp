#include "manager/network_records.h"

#include <map>
#include <optional>

#include "manager/database.h"
#include "manager/networks.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {
    {1, R"sql(
CREATE TABLE networks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL DEFAULT 'default',
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  hwaddr TEXT NOT NULL,
  UNIQUE (project, name)
);
CREATE TABLE networks_config (
  network_id INTEGER NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (network_id, key)
) WITHOUT ROWID;
CREATE TABLE network_nics (
  network_id INTEGER NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
  instance TEXT NOT NULL,
  device TEXT NOT NULL,
  mac TEXT NOT NULL,
  ipv4 TEXT,
  ipv6 TEXT,
  ipv4_fixed INTEGER NOT NULL DEFAULT 0,
  ipv6_fixed INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (network_id, instance, device),
  UNIQUE (network_id, ipv4),
  UNIQUE (network_id, ipv6)
) WITHOUT ROWID;
)sql"},
};

std::optional<std::string> or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

Result<void> write_config(Database& database, const NetworkRecord& record) {
  auto clear = TRY(database.prepare("DELETE FROM networks_config WHERE network_id = ?"));
  TRY(clear.bind(record.id).run());
  auto insert = TRY(database.prepare("INSERT INTO networks_config (network_id, key, value) VALUES (?, ?, ?)"));
  for (const auto& [key, value] : record.config) TRY(insert.bind(record.id, key, value).run());
  return kOk;
}

}  // namespace

const Schema& network_schema() {
  static const Schema schema{"networks", kMigrations};
  return schema;
}

Result<std::vector<NetworkRecord>> read_networks(Database& database) {
  std::map<std::int64_t, NetworkRecord> found;
  auto rows = TRY(database.prepare("SELECT id, project, name, description, hwaddr FROM networks"));
  while (TRY(rows.step())) {
    found[rows.number(0)] = {rows.number(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4), {}};
  }
  auto keys = TRY(database.prepare("SELECT network_id, key, value FROM networks_config"));
  while (TRY(keys.step())) found[keys.number(0)].config[keys.text(1)] = keys.text(2);
  std::vector<NetworkRecord> records;
  for (auto& [id, record] : found) records.push_back(std::move(record));
  return records;
}

Result<void> insert_network(Database& database, NetworkRecord& record) {
  auto transaction = TRY(database.begin());
  {
    auto insert =
        TRY(database.prepare("INSERT INTO networks (project, name, description, hwaddr) VALUES (?, ?, ?, ?)"));
    TRY_CONTEXT("network " + record.name,
                insert.bind(record.project, record.name, record.description, record.hwaddr).run());
    record.id = database.last_insert_id();
    TRY(write_config(database, record));
  }
  return transaction.commit();
}

Result<void> update_network(Database& database, const NetworkRecord& record) {
  auto transaction = TRY(database.begin());
  {
    auto update = TRY(database.prepare("UPDATE networks SET name = ?, description = ? WHERE id = ?"));
    TRY_CONTEXT("network " + record.name, update.bind(record.name, record.description, record.id).run());
    TRY(write_config(database, record));
  }
  return transaction.commit();
}

Result<void> delete_network(Database& database, std::int64_t id) {
  auto transaction = TRY(database.begin());
  for (const char* sql : {"DELETE FROM network_nics WHERE network_id = ?",
                          "DELETE FROM networks_config WHERE network_id = ?", "DELETE FROM networks WHERE id = ?"}) {
    auto statement = TRY(database.prepare(sql));
    TRY(statement.bind(id).run());
  }
  return transaction.commit();
}

Result<std::vector<NicRecord>> read_nics(Database& database) {
  auto rows = TRY(database.prepare(
      "SELECT network_id, instance, device, mac, ipv4, ipv6, ipv4_fixed, ipv6_fixed FROM network_nics"));
  std::vector<NicRecord> records;
  while (TRY(rows.step())) {
    records.push_back({rows.number(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4), rows.text(5),
                       rows.truth(6), rows.truth(7)});
  }
  return records;
}

// NICs come and go in the course of an instance's start and deletion, which end with a durable transaction.
Result<void> put_nic(Database& database, const NicRecord& record) {
  auto transaction = TRY(database.begin(Durability::kWithNext));
  {
    auto upsert = TRY(database.prepare(
        "INSERT INTO network_nics (network_id, instance, device, mac, ipv4, ipv6, ipv4_fixed, ipv6_fixed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (network_id, instance, device) DO UPDATE SET mac = excluded.mac, "
        "ipv4 = excluded.ipv4, ipv6 = excluded.ipv6, ipv4_fixed = excluded.ipv4_fixed, ipv6_fixed = "
        "excluded.ipv6_fixed"));
    TRY(upsert
            .bind(record.network_id, record.instance, record.device, record.mac, or_null(record.ipv4),
                  or_null(record.ipv6), record.ipv4_fixed, record.ipv6_fixed)
            .run());
  }
  return transaction.commit();
}

Result<void> delete_nic(Database& database, const NicRecord& record) {
  auto transaction = TRY(database.begin(Durability::kWithNext));
  {
    auto statement =
        TRY(database.prepare("DELETE FROM network_nics WHERE network_id = ? AND instance = ? AND device = ?"));
    TRY(statement.bind(record.network_id, record.instance, record.device).run());
  }
  return transaction.commit();
}

Result<void> rename_nics(Database& database, const std::string& instance, const std::string& new_name) {
  auto statement = TRY(database.prepare("UPDATE network_nics SET instance = ? WHERE instance = ?"));
  return statement.bind(new_name, instance).run();
}

}  // namespace cella::manager
