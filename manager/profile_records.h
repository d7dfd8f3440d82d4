// Profiles in the database.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

class Database;
struct Schema;

struct ProfileRecord {
  std::string description;
  Config config;
  Devices devices;
  bool operator==(const ProfileRecord&) const = default;
};

const Schema& profile_schema();

Result<std::map<std::string, ProfileRecord>> load_profiles(Database& database);
// Inserts or replaces.
Result<void> store_profile(Database& database, const std::string& name, const ProfileRecord& record);
Result<void> rename_profile_record(Database& database, const std::string& from, const std::string& to);
Result<void> delete_profile(Database& database, const std::string& name);

}  // namespace cella::manager
