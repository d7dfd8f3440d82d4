#include "manager/project_contents.h"

#include <algorithm>

#include "manager/custom_volumes.h"
#include "manager/images.h"
#include "manager/instance_approval.h"
#include "manager/instance_set.h"
#include "manager/names.h"
#include "manager/networks.h"
#include "manager/profiles.h"
#include "manager/project_config.h"

namespace cella::manager {

std::vector<std::string> ProjectContents::used_by(const std::string& project) const {
  const std::string query = project_query(project);
  std::vector<std::string> urls;
  for (const auto& entry : around_.set.list()) {
    const std::string name = around_.set.record(*entry).name;
    if (project_of(name) == project) urls.push_back(instance_url(name));
  }
  for (const Profile& profile : around_.profiles.list(project)) {
    urls.push_back("/1.0/profiles/" + profile.name + query);
  }
  for (const Image& image : around_.images.in(project).list()) {
    urls.push_back("/1.0/images/" + image.fingerprint + query);
  }
  for (const CustomVolume& volume : around_.volumes.list("", project)) urls.push_back(volume_url(volume.key));
  if (project != kDefaultProject) return urls;
  const auto networks = around_.networks.list();
  if (!networks.ok()) return urls;
  for (const Network& network : *networks) {
    if (network.managed) urls.push_back("/1.0/networks/" + network.name);
  }
  return urls;
}

bool ProjectContents::is_empty(const std::string& project) const {
  const auto urls = used_by(project);
  const std::string own = "/1.0/profiles/default" + project_query(project);
  return std::all_of(urls.begin(), urls.end(), [&](const std::string& url) { return url == own; });
}

Result<void> ProjectContents::conforms(const Project& next) const { return approve_project(around_, next); }

std::map<std::string, ProjectUse> ProjectContents::state(const Project& project) const {
  const auto items = policy_items(around_, {.project = project.name});
  auto state = project_use(project, items.ok() ? *items : std::vector<PolicyItem>());
  ProjectUse& networks = state["networks"];
  networks.limit = count_limit(project.config, "limits.networks").value_or(-1);
  for (const std::string& url : used_by(project.name)) networks.usage += url.starts_with("/1.0/networks/") ? 1 : 0;
  return state;
}

Result<void> ProjectContents::set_own_profiles(const std::string& project, bool own) {
  return own ? around_.profiles.add_default(project) : around_.profiles.drop_all(project);
}

void ProjectContents::renamed(const std::string& from, const std::string& to) {
  around_.profiles.project_renamed(from, to);
}

Result<std::shared_ptr<void>> ProjectVolumePolicy::admit(const VolumeKey& key, const Config& config) {
  const auto held = std::make_shared<std::unique_lock<std::mutex>>(around_.projects.volumes_lock(key.project));
  const Project project = TRY(around_.projects.find(key.project));
  if (project.config.contains("limits.disk")) {
    auto items = TRY(policy_items(around_, {.project = key.project, .replaced_volume = &key}));
    items.push_back(policy_item_of_volume(key.name, config));
    TRY(check_limits(project, items));
  }
  return std::shared_ptr<void>(held);
}
Result<void> ProjectVolumePolicy::check_snapshot(const VolumeKey& key) {
  return around_.projects.check_snapshots_allowed(key.project);
}
Result<void> ProjectVolumePolicy::check_backup(const VolumeKey& key) {
  return around_.projects.check_backups_allowed(key.project);
}

}  // namespace cella::manager
