#include "manager/instance_approval.h"

#include "manager/custom_volumes.h"
#include "manager/instance_set.h"
#include "manager/names.h"
#include "manager/project_config.h"

namespace cella::manager {
namespace {

std::vector<InstanceRecord> records_of(const InstanceSet& set, const std::string& project) {
  std::vector<InstanceRecord> records;
  for (const auto& entry : set.list()) {
    auto record = set.record(*entry);
    if (project_of(record.name) == project) records.push_back(std::move(record));
  }
  return records;
}

Result<void> check_instance(const Project& project, const InstanceRecord& record, const Expanded& merged) {
  return check_restrictions(project, "instance \"" + short_name(record.name) + "\"", merged);
}

}  // namespace

Result<void> ApprovedInstance::settle(const std::function<void(InstanceRecord&)>& change) {
  InstanceRecord next = record_;
  change(next);
  TRY(check_bookkeeping(record_, next));
  record_ = std::move(next);
  return kOk;
}

Result<std::vector<PolicyItem>> policy_items(const InstanceSurroundings& around, const PolicyQuery& query) {
  std::vector<PolicyItem> items;
  for (const auto& record : records_of(around.set, query.project)) {
    if (record.name == query.replaced) continue;
    items.push_back(policy_item(short_name(record.name), TRY(merge_instance(around, record, query.changed))));
  }
  for (const auto& volume : around.volumes.with_expected(query.project)) {
    if (query.replaced_volume != nullptr && volume.key == *query.replaced_volume) continue;
    items.push_back(policy_item_of_volume(volume.key.name, volume.config));
  }
  return items;
}

Result<ApprovedInstance> approve_instance(const InstanceSurroundings& around, const CommitLock&,
                                          InstanceRecord record) {
  const Project project = TRY(around.projects.find(project_of(record.name)));
  auto expanded = TRY(expand_instance(around, record));
  TRY(check_instance(project, record, expanded.merged));
  if (has_limits(project.config)) {
    auto items = TRY(policy_items(around, {.project = project.name, .replaced = record.name}));
    items.push_back(policy_item(short_name(record.name), expanded.merged));
    TRY(check_limits(project, items));
  }
  return ApprovedInstance(std::move(record), std::move(expanded));
}

Result<void> approve_profile(const InstanceSurroundings& around, const CommitLock&, const Profile& next,
                             const std::vector<InstanceRecord>& users) {
  const Project own = TRY(around.projects.find(next.project));
  TRY(check_restrictions(own, "profile \"" + next.name + "\"", {next.config, next.devices}));
  std::map<std::string, Project> projects;
  for (const auto& record : users) {
    const auto expanded = TRY_CONTEXT("instance " + short_name(record.name), expand_instance(around, record, &next));
    if (expanded.spec.root->pool != record.pool) {
      return Error(ErrorKind::kInvalid,
                   "instance " + short_name(record.name) + " has its root volume in pool " + record.pool);
    }
    const std::string name = project_of(record.name);
    if (!projects.contains(name)) projects.emplace(name, TRY(around.projects.find(name)));
    TRY(check_instance(projects.at(name), record, expanded.merged));
  }
  for (const auto& [name, project] : projects) {
    if (has_limits(project.config))
      TRY(check_limits(project, TRY(policy_items(around, {.project = name, .changed = &next}))));
  }
  return kOk;
}

Result<void> approve_project(const InstanceSurroundings& around, const Project& next) {
  for (const auto& record : records_of(around.set, next.name)) {
    TRY(check_instance(next, record, TRY(merge_instance(around, record))));
  }
  if (around.projects.project_of_profiles(next.name) == next.name) {
    for (const Profile& profile : around.profiles.list(next.name)) {
      TRY(check_restrictions(next, "profile \"" + profile.name + "\"", {profile.config, profile.devices}));
    }
  }
  if (!has_limits(next.config)) return kOk;
  return check_limits(next, TRY(policy_items(around, {.project = next.name})));
}

}  // namespace cella::manager
