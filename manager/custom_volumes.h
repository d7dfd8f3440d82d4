// Custom volumes: made, configured, renamed, deleted, and opened for those who mount them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/id_map.h"
#include "base/result.h"
#include "manager/custom_volume.h"
#include "manager/custom_volume_table.h"
#include "manager/pool.h"
#include "storage/id_mapped.h"

namespace cella::manager {

class Database;
class Events;
class Operations;
class Pools;

struct VolumeUser {
  std::string url;  // of an instance or profile
  bool running = false;
};

// Who has disk devices with custom volumes. Called without any lock of the volumes held.
class VolumeUsers {
 public:
  virtual ~VolumeUsers() = default;
  virtual std::vector<VolumeUser> users_of(const VolumeKey& key) const = 0;
  // Makes their devices name the volume by its new pool and name. May be called again after a crash.
  virtual Result<void> volume_renamed(const VolumeKey& from, const VolumeKey& to) = 0;
};

// What projects allow of their volumes.
class VolumePolicy {
 public:
  virtual ~VolumePolicy() = default;
  // The volume is about to be, or to have this configuration: what is returned is held until that counts, on the same
  // thread. Errors: kDenied naming the limit.
  virtual Result<std::shared_ptr<void>> admit(const VolumeKey& key, const Config& config) = 0;
  // Errors: kDenied naming the restriction.
  virtual Result<void> check_snapshot(const VolumeKey& key) = 0;
  virtual Result<void> check_backup(const VolumeKey& key) = 0;
};

// Thread-safe. Outlived by what it is wired to.
class CustomVolumes {
 public:
  using Caller = std::optional<Requestor>;
  struct Wiring {
    Database& database;
    Events& events;
    Operations& operations;
    Pools& pools;
  };
  explicit CustomVolumes(Wiring wiring) : wiring_(wiring) {}
  // Reads the records and finishes or undoes what a killed daemon left half-done. Call before anything else.
  Result<void> load();
  void set_users(VolumeUsers* users) { users_ = users; }  // at wiring
  void set_policy(VolumePolicy* policy) { policy_ = policy; }  // at wiring
  // In which project the volumes of a project are: itself or "default".
  void set_project_of(std::function<std::string(const std::string& project)> project_of) {
    project_of_ = std::move(project_of);
  }
  // The volume that a device in this project means.
  VolumeKey key_for(const std::string& project, const std::string& pool, const std::string& name) const {
    return {pool, project_of_ ? project_of_(project) : project, name};
  }
  // Ends renamings of which devices may not know yet; once the users can be asked.
  Result<void> settle();

  // Of one pool and project; empty: of all.
  std::vector<CustomVolume> list(const std::string& pool, const std::string& project) const;
  // Of one project, with those that are being made.
  std::vector<VolumeRecord> with_expected(const std::string& project) const { return table_.with_expected(project); }
  Result<CustomVolume> find(const VolumeKey& key) const;  // Errors: kNotFound
  // Errors: kInvalid naming key and value; kUnsupported for a size that the pool cannot enforce; kExists; kNotFound for
  // the pool; kNoSpace.
  Result<void> create(const CustomVolumeCreate& request, const Caller& caller);
  // Replaces description and configuration. Errors: as create(); kInvalid for a smaller block volume, or for another way
  // of mapping ids while an instance runs with it.
  Result<void> update(const VolumeKey& key, const std::string& description, const Config& config,
                      const Caller& caller);
  // Devices follow. Errors: kExists; kInvalid while an instance that runs uses it.
  Result<void> rename(const VolumeKey& key, const std::string& to, const Caller& caller);
  // Snapshots and backups go too. Errors: kInvalid while any instance or profile uses it.
  Result<void> remove(const VolumeKey& key, const Caller& caller);

  // Where nobody keeps count, every file is looked at.
  Result<PoolVolumeUsage> usage(const VolumeKey& key) const;
  // nullopt where nobody keeps count.
  std::optional<PoolVolumeUsage> counted_usage(const VolumeKey& key) const;
  // The volume's files as a detached mount, nodev: with the map applied, or as they are for security.unmapped.
  // Errors: kNotFound; kInvalid for a block volume.
  Result<Fd> open_mount(const VolumeKey& key, const IdMap& map, storage::MountAccess access) const;
  // Errors: kNotFound; kInvalid when a container cannot have it.
  Result<void> check_mountable(const VolumeKey& key) const;

  // For the classes beside this one (snapshots, copies, backups).
  VolumeTable& table() { return table_; }
  const Wiring& wiring() const { return wiring_; }
  // Errors: kInvalid with this text while an instance that runs uses it.
  Result<void> check_not_running(const VolumeKey& key, const std::string& refusal) const;
  // Whether a new volume may have this name and configuration; the record it then gets.
  Result<VolumeRecord> new_record(const CustomVolumeCreate& request) const;
  // The inserted record and what `fill` makes in storage, or nothing of either. fill: makes stored_volume(record.key).
  Result<void> make(VolumeRecord& record, const std::function<Result<void>()>& fill, const Caller& caller);
  Result<void> apply_size(const VolumeRecord& record) const;
  Result<void> check_snapshot(const VolumeKey& key) const;
  Result<void> check_backup(const VolumeKey& key) const;
  // Devices that name `from` name `to` from now on.
  Result<void> tell_users(const VolumeKey& from, const VolumeKey& to) const;
  void tell(const std::string& action, const VolumeKey& key, const std::string& tail, const Caller& caller) const;

 private:
  Result<void> recover(const VolumeRecord& record);
  Result<void> finish_renaming(const VolumeRecord& record);
  Result<void> finish_removal(const VolumeRecord& record);
  Result<void> sweep_incoming();
  CustomVolume shown(const VolumeRecord& record) const;

  const Wiring wiring_;
  Result<std::shared_ptr<void>> admit(const VolumeRecord& record) const;
  VolumeUsers* users_ = nullptr;
  VolumePolicy* policy_ = nullptr;
  std::function<std::string(const std::string&)> project_of_;
  VolumeTable table_;
};

}  // namespace cella::manager
