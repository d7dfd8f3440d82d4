// Projects: instances, images, profiles and volumes with names of their own, under limits and restrictions.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "manager/config.h"
#include "manager/operation.h"

namespace cella::manager {

class Certificates;
class Database;
class Events;
class Operations;
class ServerConfig;
struct ProjectRecord;

struct Project {
  std::string name;
  std::string description;
  Config config;
  std::vector<std::string> used_by;  // URLs
};

struct ProjectPut {
  std::string description;
  Config config;
};
// Absent members stay; keys given are set one by one, an empty value unsets a key.
struct ProjectPatch {
  std::optional<std::string> description;
  Config config;
};

struct ProjectUse {
  std::int64_t limit = -1;  // -1: none
  std::int64_t usage = 0;
};

// Held from the check of a change against its project's policy until the change counts: is in memory, or in the
// database. Changes in projects without limits do not wait for each other.
class CommitLock {
 public:
  using VolumeLocks = std::vector<std::unique_lock<std::mutex>>;
  explicit CommitLock(std::shared_lock<std::shared_mutex> lock) : lock_(std::move(lock)) {}
  CommitLock(std::unique_lock<std::shared_mutex> lock, VolumeLocks volumes)
      : volumes_(std::move(volumes)), lock_(std::move(lock)) {}

 private:
  VolumeLocks volumes_;
  std::variant<std::shared_lock<std::shared_mutex>, std::unique_lock<std::shared_mutex>> lock_;
};

// In memory and in the database. "default" always exists. Thread-safe. Outlived by what it is given.
class Projects {
 public:
  // What projects need of what is in them. Called without the lock of Projects' records held.
  class Contents {
   public:
    virtual ~Contents() = default;
    virtual std::vector<std::string> used_by(const std::string& project) const = 0;
    // Whether anything but the project's own default profile is in it.
    virtual bool is_empty(const std::string& project) const = 0;
    // Whether all in the project conforms to `next`. Errors: kInvalid naming key and object.
    virtual Result<void> conforms(const Project& next) const = 0;
    virtual std::map<std::string, ProjectUse> state(const Project& project) const = 0;
    // The project has profiles of its own from now on, or none any more.
    virtual Result<void> set_own_profiles(const std::string& project, bool own) = 0;
    virtual void renamed(const std::string& from, const std::string& to) = 0;
  };

  static Result<std::unique_ptr<Projects>> load(Database& database, Events& events, Operations& operations,
                                                Certificates& certificates);
  ~Projects();
  Projects(const Projects&) = delete;
  Projects& operator=(const Projects&) = delete;
  void set_contents(Contents* contents);  // at wiring, before any call that changes something

  std::vector<Project> list() const;  // by name
  // Errors: kNotFound "Project not found".
  Result<Project> find(const std::string& name) const;
  bool exists(const std::string& name) const;
  // Empty when there is no such project.
  Config config(const std::string& name) const;

  // In which project the profiles, images, volumes and networks of a project are: itself or "default".
  std::string project_of_profiles(const std::string& project) const;
  std::string project_of_images(const std::string& project) const;
  std::string project_of_volumes(const std::string& project) const;

  // Errors: kInvalid, kUnsupported (name, key, value), kExists.
  Result<void> create(const std::string& name, const ProjectPut& put, const std::optional<Requestor>& requestor);
  // Errors: kNotFound; kInvalid also when what is in the project would break a limit or restriction, and for features
  // of a project that is not empty.
  Result<void> update(const std::string& name, const ProjectPut& put, const std::optional<Requestor>& requestor);
  Result<void> patch(const std::string& name, const ProjectPatch& patch, const std::optional<Requestor>& requestor);
  // Errors: kDenied for "default", kInvalid unless it is empty, kExists.
  Result<OperationId> rename(const std::string& name, const std::string& to,
                             const std::optional<Requestor>& requestor);
  // Errors: kDenied for "default", kInvalid "Only empty projects can be removed".
  Result<void> remove(const std::string& name, const std::optional<Requestor>& requestor);

  Result<std::map<std::string, ProjectUse>> state(const std::string& name) const;

  // For a change within one project; for one that may concern several.
  CommitLock commit(const std::string& project) const;
  CommitLock commit_all() const;
  // For volumes of one project, while they are made: instances of the project are not committed meanwhile where it has
  // limits.disk. Not locked where it has none. Taken before any CommitLock.
  std::unique_lock<std::mutex> volumes_lock(const std::string& project) const;

  // `chosen`, else what the project says under key, else the server, else gzip.
  std::string compression(const std::string& project, const std::string& key, const std::string& chosen) const;

  // Errors: kDenied naming the restriction.
  Result<void> check_snapshots_allowed(const std::string& project) const;
  Result<void> check_backups_allowed(const std::string& project) const;

  // Where the server's own configuration is read. Once, at wiring.
  void set_server_config(const ServerConfig& config) { server_config_ = &config; }

 private:
  Projects(Database& database, Events& events, Operations& operations, Certificates& certificates);
  Result<void> change(const std::string& name, ProjectRecord next);
  Result<void> check_empty(const std::string& name, const char* refusal) const;
  Result<void> rename_now(const std::string& name, const std::string& to);
  std::string project_of(const std::string& project, const char* feature) const;
  void tell(const char* action, const std::string& name, const std::optional<Requestor>& requestor,
            Value::Object context = {}) const;

  Database& database_;
  Events& events_;
  Operations& operations_;
  Certificates& certificates_;
  const ServerConfig* server_config_ = nullptr;
  Contents* contents_ = nullptr;
  mutable std::shared_mutex commits_;
  mutable std::map<std::string, std::mutex> volume_locks_;  // by project; guarded by mutex_, never erased
  std::mutex changing_;  // one change at a time; taken before commits_, and that before mutex_
  mutable std::shared_mutex mutex_;
  std::map<std::string, ProjectRecord> records_;
};

}  // namespace cella::manager
