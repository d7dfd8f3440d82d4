// Storage pools in the database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

class Database;

struct PoolRecord {
  std::int64_t id = 0;
  std::string name;
  std::string driver;
  std::string description;
  Config config;
};

Result<std::vector<PoolRecord>> read_pools(Database& database);
// Sets record.id. Errors: kExists.
Result<void> insert_pool(Database& database, PoolRecord& record);
// Description and config of the record with this id.
Result<void> update_pool(Database& database, const PoolRecord& record);
Result<void> delete_pool(Database& database, std::int64_t id);

}  // namespace cella::manager
