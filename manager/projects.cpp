#include "manager/projects.h"

#include "manager/certificates.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/merge.h"
#include "manager/names.h"
#include "manager/operations.h"
#include "manager/project_config.h"
#include "manager/project_records.h"
#include "manager/server_config.h"

namespace cella::manager {
namespace {

Config features_of(const Config& config) {
  Config features;
  for (const auto& [key, value] : config) {
    if (key.starts_with("features.") && has_feature(config, key)) features[key] = "true";
  }
  return features;
}

Error not_found() { return Error(ErrorKind::kNotFound, "Project not found"); }

}  // namespace

Projects::Projects(Database& database, Events& events, Operations& operations, Certificates& certificates)
    : database_(database), events_(events), operations_(operations), certificates_(certificates) {}
Projects::~Projects() = default;

Result<std::unique_ptr<Projects>> Projects::load(Database& database, Events& events, Operations& operations,
                                                 Certificates& certificates) {
  std::unique_ptr<Projects> projects(new Projects(database, events, operations, certificates));
  projects->records_ = TRY(load_projects(database));
  const std::string name(kDefaultProject);
  if (!projects->records_.contains(name)) {
    ProjectRecord record{"Default cella project", default_project_config()};
    TRY(store_project(database, name, record));
    projects->records_[name] = std::move(record);
  }
  return projects;
}

void Projects::set_contents(Contents* contents) { contents_ = contents; }

void Projects::tell(const char* action, const std::string& name, const std::optional<Requestor>& requestor,
                    Value::Object context) const {
  events_.lifecycle({action, "/1.0/projects/" + name, std::move(context), requestor}, name);
}

std::vector<Project> Projects::list() const {
  std::vector<Project> projects;
  {
    std::shared_lock lock(mutex_);
    for (const auto& [name, record] : records_) projects.push_back({name, record.description, record.config, {}});
  }
  if (contents_ != nullptr) {
    for (Project& project : projects) project.used_by = contents_->used_by(project.name);
  }
  return projects;
}

Result<Project> Projects::find(const std::string& name) const {
  Project project;
  {
    std::shared_lock lock(mutex_);
    const auto found = records_.find(name);
    if (found == records_.end()) return not_found();
    project = {name, found->second.description, found->second.config, {}};
  }
  if (contents_ != nullptr) project.used_by = contents_->used_by(name);
  return project;
}

bool Projects::exists(const std::string& name) const {
  std::shared_lock lock(mutex_);
  return records_.contains(name);
}

Config Projects::config(const std::string& name) const {
  std::shared_lock lock(mutex_);
  const auto found = records_.find(name);
  return found == records_.end() ? Config() : found->second.config;
}

std::string Projects::project_of(const std::string& project, const char* feature) const {
  return has_feature(config(project), feature) ? project : std::string(kDefaultProject);
}
std::string Projects::project_of_profiles(const std::string& project) const {
  return project_of(project, "features.profiles");
}
std::string Projects::project_of_images(const std::string& project) const {
  return project_of(project, "features.images");
}
std::string Projects::project_of_volumes(const std::string& project) const {
  return project_of(project, "features.storage.volumes");
}

Result<void> Projects::create(const std::string& name, const ProjectPut& put,
                              const std::optional<Requestor>& requestor) {
  TRY(check_project_name(name));
  ProjectRecord record{put.description, with_default_features(without_empty(put.config))};
  TRY(check_project_config(record.config));
  const std::lock_guard changing(changing_);
  if (exists(name)) return Error(ErrorKind::kExists, "Project \"" + name + "\" already exists");
  {
    auto transaction = TRY(database_.begin());
    TRY(store_project(database_, name, record));
    if (has_feature(record.config, "features.profiles")) TRY(contents_->set_own_profiles(name, true));
    TRY(transaction.commit());
  }
  {
    std::unique_lock lock(mutex_);
    records_[name] = std::move(record);
  }
  tell("project-created", name, requestor);
  return kOk;
}

Result<void> Projects::change(const std::string& name, ProjectRecord next) {
  next.config = without_empty(std::move(next.config));
  TRY(check_project_config(next.config));
  const auto present = config(name);
  const auto before = features_of(present);
  const auto after = features_of(next.config);
  if (before != after) {
    if (name == kDefaultProject) {
      return Error(ErrorKind::kInvalid, "You can't change the features of the default project");
    }
    if (!contents_->is_empty(name)) return Error(ErrorKind::kInvalid, "Features can only be changed on empty projects");
  }
  const CommitLock commit = commit_all();
  TRY(contents_->conforms({name, next.description, next.config, {}}));
  {
    auto transaction = TRY(database_.begin());
    TRY(store_project(database_, name, next));
    const bool own = after.contains("features.profiles");
    if (own != before.contains("features.profiles")) TRY(contents_->set_own_profiles(name, own));
    TRY(transaction.commit());
  }
  std::unique_lock lock(mutex_);
  records_[name] = std::move(next);
  return kOk;
}

Result<void> Projects::update(const std::string& name, const ProjectPut& put,
                              const std::optional<Requestor>& requestor) {
  const std::lock_guard changing(changing_);
  if (!exists(name)) return not_found();
  TRY(change(name, {put.description, put.config}));
  tell("project-updated", name, requestor);
  return kOk;
}

Result<void> Projects::patch(const std::string& name, const ProjectPatch& patch,
                             const std::optional<Requestor>& requestor) {
  const std::lock_guard changing(changing_);
  const Project present = TRY(find(name));
  TRY(change(name, {patch.description.value_or(present.description), patch_config(present.config, patch.config)}));
  tell("project-updated", name, requestor);
  return kOk;
}

Result<void> Projects::check_empty(const std::string& name, const char* refusal) const {
  if (!exists(name)) return not_found();
  if (name == kDefaultProject) {
    return Error(ErrorKind::kDenied, "The 'default' project cannot be deleted or renamed");
  }
  if (!contents_->is_empty(name)) return Error(ErrorKind::kInvalid, refusal);
  return kOk;
}

Result<OperationId> Projects::rename(const std::string& name, const std::string& to,
                                     const std::optional<Requestor>& requestor) {
  TRY(check_project_name(to));
  TRY(check_empty(name, "Only empty projects can be renamed"));
  if (exists(to)) return Error(ErrorKind::kExists, "A project named \"" + to + "\" already exists");
  OperationRequest request;
  request.description = "Renaming project";
  request.project.clear();  // whoever asked waits for it from some other project
  return operations_.start(std::move(request), [this, name, to, requestor](const OperationHandle&) -> Result<void> {
    TRY(rename_now(name, to));
    tell("project-renamed", to, requestor, {{"old_name", name}});
    return kOk;
  });
}

Result<void> Projects::rename_now(const std::string& name, const std::string& to) {
  const std::lock_guard changing(changing_);
  const CommitLock commit = commit_all();
  TRY(check_empty(name, "Only empty projects can be renamed"));
  if (exists(to)) return Error(ErrorKind::kExists, "A project named \"" + to + "\" already exists");
  {
    auto transaction = TRY(database_.begin());
    TRY(rename_project_record(database_, name, to));
    TRY(certificates_.project_renamed(name, to));
    TRY(transaction.commit());
  }
  {
    std::unique_lock lock(mutex_);
    auto node = records_.extract(name);
    node.key() = to;
    records_.insert(std::move(node));
  }
  contents_->renamed(name, to);
  return kOk;
}

Result<void> Projects::remove(const std::string& name, const std::optional<Requestor>& requestor) {
  const std::lock_guard changing(changing_);
  const CommitLock commit = commit_all();
  TRY(check_empty(name, "Only empty projects can be removed"));
  {
    auto transaction = TRY(database_.begin());
    TRY(contents_->set_own_profiles(name, false));
    TRY(delete_project(database_, name));
    // Who might use it must not come into another one that is made by this name later.
    TRY(certificates_.project_renamed(name, ""));
    TRY(transaction.commit());
  }
  {
    std::unique_lock lock(mutex_);
    records_.erase(name);
  }
  tell("project-deleted", name, requestor);
  return kOk;
}

Result<std::map<std::string, ProjectUse>> Projects::state(const std::string& name) const {
  return contents_->state(TRY(find(name)));
}

CommitLock Projects::commit(const std::string& project) const {
  // Read before the lock: a project whose limits change meanwhile is changed under the exclusive one.
  if (!has_limits(config(project))) {
    std::shared_lock shared(commits_);
    if (!has_limits(config(project))) return CommitLock(std::move(shared));
  }
  CommitLock::VolumeLocks volumes;
  volumes.push_back(volumes_lock(project));
  return CommitLock(std::unique_lock(commits_), std::move(volumes));
}

CommitLock Projects::commit_all() const {
  std::vector<std::string> names;
  {
    std::shared_lock lock(mutex_);
    for (const auto& [name, record] : records_) names.push_back(name);
  }
  CommitLock::VolumeLocks volumes;
  for (const std::string& name : names) volumes.push_back(volumes_lock(name));
  return CommitLock(std::unique_lock(commits_), std::move(volumes));
}

std::unique_lock<std::mutex> Projects::volumes_lock(const std::string& project) const {
  std::mutex* volumes = nullptr;
  {
    std::unique_lock lock(mutex_);
    const auto found = records_.find(project);
    if (found == records_.end() || !found->second.config.contains("limits.disk")) return {};
    volumes = &volume_locks_[project];
  }
  return std::unique_lock(*volumes);
}

namespace {

Result<void> check_allowed(const Config& config, const std::string& project, const std::string& what) {
  if (!is_restricted(config) || restriction(config, "restricted." + what + "s") == "allow") return kOk;
  return Error(ErrorKind::kDenied, "Project \"" + project + "\" doesn't allow for " + what + " creation (restricted." +
                                       what + "s)");
}

}  // namespace

std::string Projects::compression(const std::string& project, const std::string& key,
                                  const std::string& chosen) const {
  if (!chosen.empty()) return chosen;
  const Config present = config(project);
  const auto found = present.find(key);
  if (found != present.end() && !found->second.empty()) return found->second;
  const Config server = server_config_ == nullptr ? Config() : server_config_->get();
  const auto general = server.find(key);
  return general == server.end() ? "gzip" : general->second;
}

Result<void> Projects::check_snapshots_allowed(const std::string& project) const {
  return check_allowed(config(project), project, "snapshot");
}
Result<void> Projects::check_backups_allowed(const std::string& project) const {
  return check_allowed(config(project), project, "backup");
}

}  // namespace cella::manager
