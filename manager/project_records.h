// Projects in the database.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

class Database;
struct Schema;

struct ProjectRecord {
  std::string description;
  Config config;
};

const Schema& project_schema();

Result<std::map<std::string, ProjectRecord>> load_projects(Database& database);
// Inserts or replaces.
Result<void> store_project(Database& database, const std::string& name, const ProjectRecord& record);
// With its profiles. The caller has a transaction open. Only for an empty project: instances and
// volumes carry its name on the disk.
Result<void> rename_project_record(Database& database, const std::string& from, const std::string& to);
Result<void> delete_project(Database& database, const std::string& name);

}  // namespace cella::manager
