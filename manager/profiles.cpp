#include "manager/profiles.h"

#include <map>
#include <mutex>
#include <shared_mutex>

#include "manager/config_keys.h"
#include "manager/database.h"
#include "manager/device_rules.h"
#include "manager/events.h"
#include "manager/merge.h"
#include "manager/names.h"
#include "manager/profile_records.h"

namespace cella::manager {

struct Profiles::State {
  Database& database;
  Events& events;
  NicCheck check_nic;
  Users* users = nullptr;
  std::mutex changing;  // one change at a time; taken before mutex
  mutable std::shared_mutex mutex;
  std::map<ProfileKey, ProfileRecord> records;

  Result<ProfileRecord> copy(const ProfileKey& key) const {
    std::shared_lock lock(mutex);
    const auto found = records.find(key);
    if (found == records.end()) return Error(ErrorKind::kNotFound, "profile " + key.second + " not found");
    return found->second;
  }
  bool has(const ProfileKey& key) const {
    std::shared_lock lock(mutex);
    return records.contains(key);
  }
  void put(const ProfileKey& key, ProfileRecord record) {
    std::unique_lock lock(mutex);
    records[key] = std::move(record);
  }
  Result<void> check(const ProfileRecord& record) const {
    TRY(check_config(record.config, ConfigOwner::kProfile));
    TRY(check_devices(record.devices, check_nic));
    TRY(find_root_disk(record.devices));
    return kOk;
  }
  void tell(const char* action, const ProfileKey& key, const std::optional<Requestor>& requestor,
            Value::Object context = {}) const {
    const auto& [project, name] = key;
    events.lifecycle({action, "/1.0/profiles/" + name + project_query(project), std::move(context), requestor},
                     project);
  }
  // Makes `next` the profile, if all who use it agree.
  Result<void> replace(const ProfileKey& key, ProfileRecord next);
};

namespace {

Profile to_profile(const ProfileKey& key, const ProfileRecord& record) {
  Profile profile;
  profile.project = key.first;
  profile.name = key.second;
  profile.description = record.description;
  profile.config = record.config;
  profile.devices = record.devices;
  return profile;
}

void add_users(Profile& profile, const Profiles::Users* users) {
  if (users == nullptr) return;
  for (const auto& instance : users->instances_using(profile.project, profile.name)) {
    profile.used_by.push_back(instance_url(instance));
  }
}

}  // namespace

Result<void> Profiles::State::replace(const ProfileKey& key, ProfileRecord next) {
  next.config = without_empty(std::move(next.config));
  TRY(check(next));
  const auto store = [&]() -> Result<void> {
    TRY(store_profile(database, key, next));
    put(key, next);
    return kOk;
  };
  if (users == nullptr) return store();
  return users->profile_changes(to_profile(key, next), store);
}

Profiles::Profiles(std::unique_ptr<State> state) : state_(std::move(state)) {}
Profiles::~Profiles() = default;

Result<std::unique_ptr<Profiles>> Profiles::load(Database& database, Events& events,
                                                 std::function<Result<void>(const Device&)> check_nic) {
  std::unique_ptr<State> state(new State{database, events, std::move(check_nic)});
  state->records = TRY(load_profiles(database));
  const ProfileKey key{kDefaultProject, "default"};
  if (!state->records.contains(key)) {
    ProfileRecord record;
    record.description = "Default cella profile";
    TRY(store_profile(database, key, record));
    state->records[key] = record;
  }
  return std::unique_ptr<Profiles>(new Profiles(std::move(state)));
}

void Profiles::set_users(Users* users) { state_->users = users; }

std::vector<Profile> Profiles::list() const {
  std::vector<Profile> profiles;
  {
    std::shared_lock lock(state_->mutex);
    for (const auto& [key, record] : state_->records) profiles.push_back(to_profile(key, record));
  }
  for (auto& profile : profiles) add_users(profile, state_->users);
  return profiles;
}

std::vector<Profile> Profiles::list(const std::string& project) const {
  std::vector<Profile> profiles;
  {
    std::shared_lock lock(state_->mutex);
    for (const auto& [key, record] : state_->records) {
      if (key.first == project) profiles.push_back(to_profile(key, record));
    }
  }
  for (auto& profile : profiles) add_users(profile, state_->users);
  return profiles;
}

Result<Profile> Profiles::find(const std::string& project, const std::string& name) const {
  const ProfileKey key{project, name};
  Profile profile = to_profile(key, TRY(state_->copy(key)));
  add_users(profile, state_->users);
  return profile;
}

Result<std::vector<Profile>> Profiles::resolve(const std::string& project,
                                               const std::vector<std::string>& names) const {
  std::vector<Profile> profiles;
  for (const auto& name : names) {
    const ProfileKey key{project, name};
    profiles.push_back(to_profile(key, TRY(state_->copy(key))));
  }
  return profiles;
}

Result<void> Profiles::create(const std::string& project, const std::string& name, const ProfilePut& put,
                              const std::optional<Requestor>& requestor) {
  TRY(check_profile_name(name));
  const ProfileKey key{project, name};
  std::lock_guard changing(state_->changing);
  if (state_->has(key)) return Error(ErrorKind::kExists, "profile " + name + " already exists");
  ProfileRecord record{put.description, without_empty(put.config), put.devices};
  TRY(state_->check(record));
  if (state_->users != nullptr) TRY(state_->users->profile_appears(to_profile(key, record)));
  TRY(store_profile(state_->database, key, record));
  state_->put(key, std::move(record));
  state_->tell("profile-created", key, requestor);
  return kOk;
}

Result<void> Profiles::update(const std::string& project, const std::string& name, const ProfilePut& put,
                              const std::optional<Requestor>& requestor) {
  const ProfileKey key{project, name};
  std::lock_guard changing(state_->changing);
  TRY(state_->copy(key));
  TRY(state_->replace(key, {put.description, put.config, put.devices}));
  state_->tell("profile-updated", key, requestor);
  return kOk;
}

Result<void> Profiles::patch(const std::string& project, const std::string& name, const ProfilePatch& patch,
                             const std::optional<Requestor>& requestor) {
  const ProfileKey key{project, name};
  std::lock_guard changing(state_->changing);
  auto next = TRY(state_->copy(key));
  if (patch.description) next.description = *patch.description;
  next.config = patch_config(std::move(next.config), patch.config);
  next.devices = patch_devices(std::move(next.devices), patch.devices);
  TRY(state_->replace(key, std::move(next)));
  state_->tell("profile-updated", key, requestor);
  return kOk;
}

Result<void> Profiles::rename(const std::string& project, const std::string& name, const std::string& to,
                              const std::optional<Requestor>& requestor) {
  const ProfileKey key{project, name};
  const ProfileKey next{project, to};
  std::lock_guard changing(state_->changing);
  TRY(state_->copy(key));
  if (name == "default") return Error(ErrorKind::kDenied, "profile default cannot be renamed");
  TRY(check_profile_name(to));
  if (state_->has(next)) return Error(ErrorKind::kExists, "profile " + to + " already exists");
  auto transaction = TRY(state_->database.begin());
  TRY(rename_profile_record(state_->database, key, to));
  if (state_->users != nullptr) TRY(state_->users->profile_renamed(project, name, to));
  TRY(transaction.commit());
  {
    std::unique_lock lock(state_->mutex);
    auto node = state_->records.extract(key);
    node.key() = next;
    state_->records.insert(std::move(node));
  }
  state_->tell("profile-renamed", next, requestor, {{"old_name", name}});
  return kOk;
}

Result<void> Profiles::remove(const std::string& project, const std::string& name,
                              const std::optional<Requestor>& requestor) {
  const ProfileKey key{project, name};
  std::lock_guard changing(state_->changing);
  TRY(state_->copy(key));
  if (name == "default") return Error(ErrorKind::kDenied, "profile default cannot be deleted");
  if (state_->users != nullptr && !state_->users->instances_using(project, name).empty()) {
    return Error(ErrorKind::kInvalid, "profile " + name + " is currently in use");
  }
  TRY(delete_profile(state_->database, key));
  {
    std::unique_lock lock(state_->mutex);
    state_->records.erase(key);
  }
  state_->tell("profile-deleted", key, requestor);
  return kOk;
}

Result<void> Profiles::add_default(const std::string& project) {
  const ProfileKey key{project, "default"};
  ProfileRecord record;
  record.description = "Default cella profile for project " + project;
  TRY(store_profile(state_->database, key, record));
  state_->put(key, std::move(record));
  return kOk;
}

Result<void> Profiles::drop_all(const std::string& project) {
  for (const Profile& profile : list(project)) TRY(delete_profile(state_->database, {project, profile.name}));
  std::unique_lock lock(state_->mutex);
  std::erase_if(state_->records, [&](const auto& entry) { return entry.first.first == project; });
  return kOk;
}

void Profiles::project_renamed(const std::string& from, const std::string& to) {
  std::unique_lock lock(state_->mutex);
  std::map<ProfileKey, ProfileRecord> renamed;
  for (auto& [key, record] : state_->records) {
    renamed.emplace(ProfileKey{key.first == from ? to : key.first, key.second}, std::move(record));
  }
  state_->records = std::move(renamed);
}

}  // namespace cella::manager
