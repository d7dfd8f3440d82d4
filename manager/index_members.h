// Members of a backup's index (backup/index.yaml), which comes from outside: every one may be missing, a wrong type is an
// error (kInvalid naming the member), and maps and lists have at most 10,000 entries.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"
#include "manager/operation.h"

namespace cella::manager {

// As the index has it; LXD's zero time for none.
std::string index_time(const std::optional<Timestamp>& time);

Error bad_index(const std::string& member, const std::string& reason);

// "" when it is missing.
Result<std::string> read_text(const YAML::Node& map, const std::string& name);
// false when it is missing.
Result<bool> read_truth(const YAML::Node& map, const std::string& name);
// nullopt also for LXD's zero time.
Result<std::optional<Timestamp>> read_time(const YAML::Node& map, const std::string& name);
Result<Config> read_map(const YAML::Node& map, const std::string& name);
Result<Devices> read_devices(const YAML::Node& map, const std::string& name);
Result<std::vector<std::string>> read_list(const YAML::Node& map, const std::string& name);

}  // namespace cella::manager
