#include "manager/pool_records.h"

#include <map>

#include "manager/database.h"
#include "manager/pools.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {
    {1, R"sql(
CREATE TABLE storage_pools (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  driver TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT ''
);
CREATE TABLE storage_pools_config (
  pool_id INTEGER NOT NULL REFERENCES storage_pools (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (pool_id, key)
) WITHOUT ROWID;
)sql"},
};

Result<void> write_config(Database& database, const PoolRecord& record) {
  auto clear = TRY(database.prepare("DELETE FROM storage_pools_config WHERE pool_id = ?"));
  TRY(clear.bind(record.id).run());
  auto insert = TRY(database.prepare("INSERT INTO storage_pools_config (pool_id, key, value) VALUES (?, ?, ?)"));
  for (const auto& [key, value] : record.config) TRY(insert.bind(record.id, key, value).run());
  return kOk;
}

}  // namespace

const Schema& pool_schema() {
  static const Schema schema{"pools", kMigrations};
  return schema;
}

Result<std::vector<PoolRecord>> read_pools(Database& database) {
  std::map<std::int64_t, PoolRecord> found;
  auto rows = TRY(database.prepare("SELECT id, name, driver, description FROM storage_pools"));
  while (TRY(rows.step())) found[rows.number(0)] = {rows.number(0), rows.text(1), rows.text(2), rows.text(3), {}};
  auto keys = TRY(database.prepare("SELECT pool_id, key, value FROM storage_pools_config"));
  while (TRY(keys.step())) found[keys.number(0)].config[keys.text(1)] = keys.text(2);
  std::vector<PoolRecord> records;
  for (auto& [id, record] : found) records.push_back(std::move(record));
  return records;
}

Result<void> insert_pool(Database& database, PoolRecord& record) {
  auto transaction = TRY(database.begin());
  {
    auto insert = TRY(database.prepare("INSERT INTO storage_pools (name, driver, description) VALUES (?, ?, ?)"));
    TRY_CONTEXT("storage pool " + record.name, insert.bind(record.name, record.driver, record.description).run());
    record.id = database.last_insert_id();
    TRY(write_config(database, record));
  }
  return transaction.commit();
}

Result<void> update_pool(Database& database, const PoolRecord& record) {
  auto transaction = TRY(database.begin());
  {
    auto update = TRY(database.prepare("UPDATE storage_pools SET description = ? WHERE id = ?"));
    TRY(update.bind(record.description, record.id).run());
    TRY(write_config(database, record));
  }
  return transaction.commit();
}

Result<void> delete_pool(Database& database, std::int64_t id) {
  auto statement = TRY(database.prepare("DELETE FROM storage_pools WHERE id = ?"));
  return statement.bind(id).run();
}

}  // namespace cella::manager
