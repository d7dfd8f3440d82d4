// Profiles: named sets of config and devices that instances apply in order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"
#include "manager/operation.h"

namespace cella::manager {

class Database;
class Events;

struct ProfilePut {
  std::string description;
  Config config;
  Devices devices;
};

// Absent members stay as they are; config keys and devices given are set one by one, an empty value unsets a key.
struct ProfilePatch {
  std::optional<std::string> description;
  Config config;
  Devices devices;
};

struct Profile {
  std::string name;
  std::string description;
  Config config;
  Devices devices;
  std::string project = "default";
  std::vector<std::string> used_by;  // "/1.0/instances/NAME?project=…", sorted
};

// All profiles, in memory for reads and in the database. `project` is everywhere one that has profiles of its own
// (Projects::project_of_profiles()); "default" always exists in each of those. Thread-safe.
class Profiles {
 public:
  // What profiles need of those who use them (the instances). Called without any lock of Profiles held.
  class Users {
   public:
    virtual ~Users() = default;
    // Qualified names, also of instances in projects that use the profiles of this one.
    virtual std::vector<std::string> instances_using(const std::string& project, const std::string& profile) const = 0;
    // A new profile that nobody uses yet. Errors: kInvalid when its project forbids it.
    virtual Result<void> profile_appears(const Profile& profile) = 0;
    // The profile is about to become `next`: validates every instance that uses it and applies the change to those that
    // run. store: makes the change durable; called once, after all are found valid.
    virtual Result<void> profile_changes(const Profile& next, const std::function<Result<void>()>& store) = 0;
    // Called inside the transaction that renames it in the database.
    virtual Result<void> profile_renamed(const std::string& project, const std::string& from,
                                         const std::string& to) = 0;
  };

  // check_nic: what makes a NIC device valid (the networks know). Makes "default" when it is missing.
  static Result<std::unique_ptr<Profiles>> load(Database& database, Events& events,
                                                std::function<Result<void>(const Device&)> check_nic);
  ~Profiles();
  Profiles(const Profiles&) = delete;
  Profiles& operator=(const Profiles&) = delete;

  void set_users(Users* users);  // at wiring, before any other call

  std::vector<Profile> list() const;  // of all projects, by project and name
  std::vector<Profile> list(const std::string& project) const;
  // Errors: kNotFound naming it.
  Result<Profile> find(const std::string& project, const std::string& name) const;
  // Config and devices of the profiles named, in that order. Errors: kNotFound naming the first that is missing.
  Result<std::vector<Profile>> resolve(const std::string& project, const std::vector<std::string>& names) const;

  // Errors: kInvalid for a bad name, key, value or device; kExists.
  Result<void> create(const std::string& project, const std::string& name, const ProfilePut& put,
                      const std::optional<Requestor>& requestor);
  // Replaces everything. Errors: kNotFound; kInvalid, also when an instance would become invalid: nothing has changed.
  Result<void> update(const std::string& project, const std::string& name, const ProfilePut& put,
                      const std::optional<Requestor>& requestor);
  Result<void> patch(const std::string& project, const std::string& name, const ProfilePatch& patch,
                     const std::optional<Requestor>& requestor);
  // Errors: kNotFound, kExists, kInvalid; kDenied for "default".
  Result<void> rename(const std::string& project, const std::string& name, const std::string& to,
                      const std::optional<Requestor>& requestor);
  // Errors: kNotFound; kInvalid when it is in use; kDenied for "default".
  Result<void> remove(const std::string& project, const std::string& name,
                      const std::optional<Requestor>& requestor);

  // A project gets its own "default", or loses it. Called within the transaction that changes the project.
  Result<void> add_default(const std::string& project);
  Result<void> drop_all(const std::string& project);
  // The project has another name in the database.
  void project_renamed(const std::string& from, const std::string& to);

 private:
  struct State;
  explicit Profiles(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cella::manager
