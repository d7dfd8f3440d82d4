// The one place where an instance's configuration is held against the policy of its project.
#pragma once

#include <functional>

#include "base/result.h"
#include "manager/custom_volume.h"
#include "manager/instance_expansion.h"
#include "manager/project_policy.h"
#include "manager/projects.h"

namespace cella::manager {

// An instance as it may be stored: merged, checked by expand_instance() and by its project's limits and restrictions.
// Only approve_instance() makes one, and only from one does the database take configuration, devices and profiles.
class ApprovedInstance {
 public:
  const InstanceRecord& record() const { return record_; }
  const Expanded& merged() const { return expanded_.merged; }
  const ContainerSpec& spec() const { return expanded_.spec; }

  // Changes what no policy looks at: volatile.* and image.*, name, phase, pool, ids.
  // Errors: kInternal when it would change more; the record stays as it was.
  Result<void> settle(const std::function<void(InstanceRecord&)>& change);

 private:
  friend struct ApprovalForTests;
  friend Result<ApprovedInstance> approve_instance(const InstanceSurroundings& around, const CommitLock& commit,
                                                   InstanceRecord record);
  ApprovedInstance(InstanceRecord record, ExpandedInstance expanded)
      : record_(std::move(record)), expanded_(std::move(expanded)) {}

  InstanceRecord record_;
  ExpandedInstance expanded_;
};

// commit: Projects::commit() of the record's project, kept until the record counts: is in the set or in the database.
// Errors: as expand_instance(); kNotFound for the project; kDenied naming the limit or restriction.
Result<ApprovedInstance> approve_instance(const InstanceSurroundings& around, const CommitLock& commit,
                                          InstanceRecord record);

// Looks at a profile that is to be, and at all instances that use it as they would be.
Result<void> approve_profile(const InstanceSurroundings& around, const CommitLock& commit, const Profile& next,
                             const std::vector<InstanceRecord>& users);

// What an instance or profile of a project, or the project itself with another configuration, would come to.
Result<void> approve_project(const InstanceSurroundings& around, const Project& next);

// All that counts for the limits of a project.
struct PolicyQuery {
  std::string project;
  std::string replaced = {};                   // the instance of this qualified name is left out
  const Profile* changed = nullptr;            // counts instead of the stored one
  const VolumeKey* replaced_volume = nullptr;  // is left out
};
Result<std::vector<PolicyItem>> policy_items(const InstanceSurroundings& around, const PolicyQuery& query);

}  // namespace cella::manager
