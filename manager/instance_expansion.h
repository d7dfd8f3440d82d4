// An instance together with its profiles: merged, and checked as a whole.
#pragma once

#include <string>

#include "base/result.h"
#include "manager/container_spec.h"
#include "manager/instance_records.h"
#include "manager/instance_surroundings.h"
#include "manager/merge.h"
#include "manager/profiles.h"

namespace cella::manager {

struct ExpandedInstance {
  Expanded merged;
  ContainerSpec spec;
};

// Merges the record with the profiles it names and checks the result: keys, devices, root disk and its pool, limits
// against the host's controllers. changed: a profile that counts instead of the stored one of that name.
// Errors: kInvalid, kNotFound (profile, pool, network), kUnsupported; each names the key, device or object.
Result<ExpandedInstance> expand_instance(const InstanceSurroundings& around, const InstanceRecord& record,
                                         const Profile* changed = nullptr);

// The merge alone, for records that were checked when they were written.
Result<Expanded> merge_instance(const InstanceSurroundings& around, const InstanceRecord& record,
                                const Profile* changed = nullptr);

}  // namespace cella::manager
