#include "manager/instance_expansion.h"

#include <set>

#include "manager/config_keys.h"
#include "manager/device_rules.h"
#include "manager/limit_controllers.h"
#include "manager/names.h"
#include "manager/networks.h"
#include "manager/pools.h"
#include "manager/projects.h"

namespace cella::manager {

Result<Expanded> merge_instance(const InstanceSurroundings& around, const InstanceRecord& record,
                                const Profile* changed) {
  const std::string project = around.projects.project_of_profiles(project_of(record.name));
  auto profiles = TRY(around.profiles.resolve(project, record.profiles));
  std::vector<Layer> layers;
  for (const Profile& profile : profiles) {
    const Profile& counts = changed != nullptr && changed->project == project && changed->name == profile.name ? *changed : profile;
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
                     short_name(record.name) + " or to one of its profiles");
  }
  TRY(check_raw_idmap(spec.security.raw_ids, around.id_windows));
  if (spec.security.ids != IdWish{}) {
    TRY(find_id_range(around.database, around.id_windows, record.id, spec.security.ids));
  }
  TRY(around.pools.find(spec.root->pool));
  TRY(check_limit_controllers(short_name(record.name), merged.config, spec, around.controllers,
                              around.hierarchy.path()));
  return ExpandedInstance{std::move(merged), std::move(spec)};
}

}  // namespace cella::manager
