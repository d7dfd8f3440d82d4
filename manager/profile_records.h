// Profiles in the database.
#pragma once

#include <map>
#include <string>
#include <utility>

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

// Its project and its name in it.
using ProfileKey = std::pair<std::string, std::string>;

Result<std::map<ProfileKey, ProfileRecord>> load_profiles(Database& database);
// Inserts or replaces.
Result<void> store_profile(Database& database, const ProfileKey& key, const ProfileRecord& record);
Result<void> rename_profile_record(Database& database, const ProfileKey& key, const std::string& to);
Result<void> delete_profile(Database& database, const ProfileKey& key);

}  // namespace cella::manager
