// What a project allows: pure functions over configuration as it will be in the end, merged with the profiles.
// Rules and texts: LXD 5.0 lxd/project/permissions.go.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/merge.h"
#include "manager/projects.h"

namespace cella::manager {

// restricted.*: what is not known to be harmless is refused. owner: `instance "c1"`, `profile "web"`, for the errors.
// Errors: kDenied naming the key or device and the restriction.
Result<void> check_restrictions(const Project& project, const std::string& owner, const Expanded& merged);

// One instance or custom volume with what it counts for.
struct PolicyItem {
  std::string owner;                          // for the errors
  bool is_instance = true;
  std::map<std::string, std::string> values;  // of the keys in kAggregateLimits; absent: it sets none
};
PolicyItem policy_item(const std::string& instance, const Expanded& merged);
PolicyItem policy_item_of_volume(const std::string& volume, const Config& config);

// limits.*: `items` is all that the project will hold.
// Errors: kDenied naming the limit; an instance without a value of its own for a limit of the project.
Result<void> check_limits(const Project& project, const std::vector<PolicyItem>& items);

// What GET /1.0/projects/NAME/state shows. Items without a value count for nothing.
std::map<std::string, ProjectUse> project_use(const Project& project, const std::vector<PolicyItem>& items);

}  // namespace cella::manager
