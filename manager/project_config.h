// The configuration keys of projects: which exist, what values they take, what counts when they are not set.
// Source of names, values and defaults: LXD 5.0 doc/projects.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

// Errors: kInvalid naming key and value; kUnsupported for a key, or a value of it, that has no effect here.
Result<void> check_project_config(const Config& config);

// A new project's configuration: the features it has unless it says otherwise, written out.
Config with_default_features(Config config);
Config default_project_config();

bool has_feature(const Config& config, const std::string& feature);

// restricted.*: nothing applies unless `restricted` is true. What a key says, or its default, which blocks.
bool is_restricted(const Config& config);
std::string restriction(const Config& config, const std::string& key);

// The sums that limits.cpu, limits.disk, limits.memory and limits.processes bound.
inline constexpr std::string_view kAggregateLimits[] = {"limits.cpu", "limits.disk", "limits.memory",
                                                        "limits.processes"};
// One such value of a project, an instance or a root disk: CPUs, bytes or processes.
// Errors: kInvalid for a share ("50%") and for a set of CPUs, which cannot be summed.
Result<std::int64_t> parse_aggregate(std::string_view key, const std::string& value);
// limits.containers and the like. nullopt: not set.
std::optional<std::int64_t> count_limit(const Config& config, const std::string& key);
bool has_limits(const Config& config);

// The texts of a comma-separated list, without the spaces around them.
std::vector<std::string> split_list(std::string_view text);

}  // namespace cella::manager
