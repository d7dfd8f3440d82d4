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
  std::map<std::string, ProfileRecord> records;

  Result<ProfileRecord> copy(const std::string& name) const {
    std::shared_lock lock(mutex);
    const auto found = records.find(name);
    if (found == records.end()) return Error(ErrorKind::kNotFound, "profile " + name + " not found");
    return found->second;
  }
  bool has(const std::string& name) const {
    std::shared_lock lock(mutex);
    return records.contains(name);
  }
  Result<void> check(const ProfileRecord& record) const {
    TRY(check_config(record.config, ConfigOwner::kProfile));
    TRY(check_devices(record.devices, check_nic));
    TRY(find_root_disk(record.devices));
    return kOk;
  }
  void tell(const char* action, const std::string& name, const std::optional<Requestor>& requestor,
            Value::Object context = {}) const {
    events.lifecycle({action, "/1.0/profiles/" + name, std::move(context), requestor});
  }
  // Makes `next` the profile, if all who use it agree.
  Result<void> replace(const std::string& name, ProfileRecord next);
};

namespace {

Profile to_profile(const std::string& name, const ProfileRecord& record) {
  Profile profile;
  profile.name = name;
  profile.description = record.description;
  profile.config = record.config;
  profile.devices = record.devices;
  return profile;
}

void add_users(Profile& profile, const Profiles::Users* users) {
  if (users == nullptr) return;
  for (const auto& instance : users->instances_using(profile.name)) {
    profile.used_by.push_back(instance_url(instance));
  }
}

}  // namespace

Result<void> Profiles::State::replace(const std::string& name, ProfileRecord next) {
  next.config = without_empty(std::move(next.config));
  TRY(check(next));
  const auto store = [&]() -> Result<void> {
    TRY(store_profile(database, name, next));
    std::unique_lock lock(mutex);
    records[name] = next;
    return kOk;
  };
  if (users == nullptr) return store();
  return users->profile_changes(to_profile(name, next), store);
}

Profiles::Profiles(std::unique_ptr<State> state) : state_(std::move(state)) {}
Profiles::~Profiles() = default;

Result<std::unique_ptr<Profiles>> Profiles::load(Database& database, Events& events,
                                                 std::function<Result<void>(const Device&)> check_nic) {
  std::unique_ptr<State> state(new State{database, events, std::move(check_nic)});
  state->records = TRY(load_profiles(database));
  if (!state->records.contains("default")) {
    ProfileRecord record;
    record.description = "Default cella profile";
    TRY(store_profile(database, "default", record));
    state->records["default"] = record;
  }
  return std::unique_ptr<Profiles>(new Profiles(std::move(state)));
}

void Profiles::set_users(Users* users) { state_->users = users; }

std::vector<Profile> Profiles::list() const {
  std::vector<Profile> profiles;
  {
    std::shared_lock lock(state_->mutex);
    for (const auto& [name, record] : state_->records) profiles.push_back(to_profile(name, record));
  }
  for (auto& profile : profiles) add_users(profile, state_->users);
  return profiles;
}

Result<Profile> Profiles::find(const std::string& name) const {
  Profile profile = to_profile(name, TRY(state_->copy(name)));
  add_users(profile, state_->users);
  return profile;
}

Result<std::vector<Profile>> Profiles::resolve(const std::vector<std::string>& names) const {
  std::vector<Profile> profiles;
  for (const auto& name : names) profiles.push_back(to_profile(name, TRY(state_->copy(name))));
  return profiles;
}

Result<void> Profiles::create(const std::string& name, const ProfilePut& put,
                              const std::optional<Requestor>& requestor) {
  TRY(check_profile_name(name));
  std::lock_guard changing(state_->changing);
  if (state_->has(name)) return Error(ErrorKind::kExists, "profile " + name + " already exists");
  ProfileRecord record{put.description, without_empty(put.config), put.devices};
  TRY(state_->check(record));
  TRY(store_profile(state_->database, name, record));
  {
    std::unique_lock lock(state_->mutex);
    state_->records[name] = std::move(record);
  }
  state_->tell("profile-created", name, requestor);
  return kOk;
}

Result<void> Profiles::update(const std::string& name, const ProfilePut& put,
                              const std::optional<Requestor>& requestor) {
  std::lock_guard changing(state_->changing);
  TRY(state_->copy(name));
  TRY(state_->replace(name, {put.description, put.config, put.devices}));
  state_->tell("profile-updated", name, requestor);
  return kOk;
}

Result<void> Profiles::patch(const std::string& name, const ProfilePatch& patch,
                             const std::optional<Requestor>& requestor) {
  std::lock_guard changing(state_->changing);
  auto next = TRY(state_->copy(name));
  if (patch.description) next.description = *patch.description;
  next.config = patch_config(std::move(next.config), patch.config);
  next.devices = patch_devices(std::move(next.devices), patch.devices);
  TRY(state_->replace(name, std::move(next)));
  state_->tell("profile-updated", name, requestor);
  return kOk;
}

Result<void> Profiles::rename(const std::string& name, const std::string& to,
                              const std::optional<Requestor>& requestor) {
  std::lock_guard changing(state_->changing);
  TRY(state_->copy(name));
  if (name == "default") return Error(ErrorKind::kDenied, "profile default cannot be renamed");
  TRY(check_profile_name(to));
  if (state_->has(to)) return Error(ErrorKind::kExists, "profile " + to + " already exists");
  auto transaction = TRY(state_->database.begin());
  TRY(rename_profile_record(state_->database, name, to));
  if (state_->users != nullptr) TRY(state_->users->profile_renamed(name, to));
  TRY(transaction.commit());
  {
    std::unique_lock lock(state_->mutex);
    auto node = state_->records.extract(name);
    node.key() = to;
    state_->records.insert(std::move(node));
  }
  state_->tell("profile-renamed", to, requestor, {{"old_name", name}});
  return kOk;
}

Result<void> Profiles::remove(const std::string& name, const std::optional<Requestor>& requestor) {
  std::lock_guard changing(state_->changing);
  TRY(state_->copy(name));
  if (name == "default") return Error(ErrorKind::kDenied, "profile default cannot be deleted");
  if (state_->users != nullptr && !state_->users->instances_using(name).empty()) {
    return Error(ErrorKind::kInvalid, "profile " + name + " is currently in use");
  }
  TRY(delete_profile(state_->database, name));
  {
    std::unique_lock lock(state_->mutex);
    state_->records.erase(name);
  }
  state_->tell("profile-deleted", name, requestor);
  return kOk;
}

}  // namespace cella::manager
