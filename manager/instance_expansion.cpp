#include "manager/instance_expansion.h"

#include <set>

#include "manager/config_keys.h"
#include "manager/device_rules.h"
#include "manager/networks.h"
#include "manager/pools.h"

namespace cella::manager {

Result<Expanded> merge_instance(const InstanceSurroundings& around, const InstanceRecord& record,
                                const Profile* changed) {
  auto profiles = TRY(around.profiles.resolve(record.profiles));
  std::vector<Layer> layers;
  for (const Profile& profile : profiles) {
    const Profile& counts = changed != nullptr && changed->name == profile.name ? *changed : profile;
    layers.push_back({&counts.config, &counts.devices});
  }
  layers.push_back({&record.config, &record.devices});
  return merge(layers);
}

Result<ExpandedInstance> expand_instance(const InstanceSurroundings& around, const InstanceRecord& record,
                                         const Profile* changed) {
  TRY(check_config(record.config, ConfigOwner::kInstance));
  const std::set<std::string> different(record.profiles.begin(), record.profiles.end());
  if (different.size() != record.profiles.size()) {
    return Error(ErrorKind::kInvalid, "Duplicate profile found in request");
  }
  auto merged = TRY(merge_instance(around, record, changed));
  TRY(check_devices(merged.devices, [&](const Device& nic) { return around.networks.validate_nic(nic); }));
  auto spec = TRY(build_spec(record.name, merged.config, merged.devices, around.host));
  if (!spec.root) {
    return Error(ErrorKind::kInvalid,
                 "No root device could be found: add a disk device with path \"/\" and a pool to instance " +
                     record.name + " or to one of its profiles");
  }
  TRY(around.pools.find(spec.root->pool));
  TRY(cgroups::check_controllers(spec.limits, around.controllers, around.hierarchy.path()));
  if (spec.cpu && !around.controllers.has(cgroups::Controller::kCpuset)) {
    return Error(ErrorKind::kUnsupported,
                 "limits.cpu: controller cpuset is not available in cgroup v2 at " + around.hierarchy.path());
  }
  return ExpandedInstance{std::move(merged), std::move(spec)};
}

}  // namespace cella::manager
