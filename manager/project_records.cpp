#include "manager/project_records.h"

#include "manager/database.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE projects (name TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE project_config (
  project TEXT NOT NULL REFERENCES projects (name) ON DELETE CASCADE ON UPDATE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (project, key)
) WITHOUT ROWID;
)"}};

}  // namespace

const Schema& project_schema() {
  static const Schema schema{"projects", kMigrations};
  return schema;
}

Result<std::map<std::string, ProjectRecord>> load_projects(Database& database) {
  std::map<std::string, ProjectRecord> records;
  auto names = TRY(database.prepare("SELECT name, description FROM projects"));
  while (TRY(names.step())) records[names.text(0)].description = names.text(1);
  auto config = TRY(database.prepare("SELECT project, key, value FROM project_config"));
  while (TRY(config.step())) records[config.text(0)].config[config.text(1)] = config.text(2);
  return records;
}

Result<void> store_project(Database& database, const std::string& name, const ProjectRecord& record) {
  auto transaction = TRY(database.begin());
  TRY(delete_project(database, name));
  {
    auto insert = TRY(database.prepare("INSERT INTO projects (name, description) VALUES (?, ?)"));
    TRY(insert.bind(name, record.description).run());
    auto config = TRY(database.prepare("INSERT INTO project_config (project, key, value) VALUES (?, ?, ?)"));
    for (const auto& [key, value] : record.config) TRY(config.bind(name, key, value).run());
  }
  return transaction.commit();
}

Result<void> rename_project_record(Database& database, const std::string& from, const std::string& to) {
  for (const char* sql : {"UPDATE projects SET name = ? WHERE name = ?",
                          "UPDATE profiles SET project = ? WHERE project = ?"}) {
    auto update = TRY(database.prepare(sql));
    TRY(update.bind(to, from).run());
  }
  return kOk;
}

Result<void> delete_project(Database& database, const std::string& name) {
  auto remove = TRY(database.prepare("DELETE FROM projects WHERE name = ?"));
  return remove.bind(name).run();
}

}  // namespace cella::manager
