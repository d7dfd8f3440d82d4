// Snapshots of instances: made, listed, renamed, deleted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/instance_pause.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"
#include "manager/operations.h"
#include "manager/volume_copies.h"

namespace cella::manager {

// One snapshot as seen from outside.
struct Snapshot {
  SnapshotRecord record;
  Config expanded_config;  // with the profiles as they are now
  Devices expanded_devices;
};

struct SnapshotCreate {
  std::string name;  // empty: by snapshots.pattern
  bool stateful = false;
  // Not set: by snapshots.expiry. Set to nullopt: never.
  std::optional<std::optional<Timestamp>> expires_at;
};

// Thread-safe. around outlives every operation it starts. Errors everywhere: kNotFound for instance and snapshot, kBusy
// while other work holds the instance.
class InstanceSnapshots {
 public:
  using Caller = std::optional<Requestor>;
  explicit InstanceSnapshots(const InstanceSurroundings& around) : around_(around) {}

  std::vector<Snapshot> list(const InstanceEntry& entry) const;
  Result<std::vector<Snapshot>> list(const std::string& instance) const;
  Result<Snapshot> find(const std::string& instance, const std::string& name) const;

  // A running container is held still while its files are copied, unless the pool copies at once.
  // Errors: kInvalid name or pattern, kExists, kUnsupported stateful.
  Result<OperationId> create(const std::string& instance, const SnapshotCreate& request, const Caller& caller);
  // Makes one by snapshots.pattern and snapshots.expiry on this thread. The caller holds a claim and entry->run.
  Result<void> take(const EntryPtr& entry, const OperationHandle& operation);
  Result<OperationId> rename(const std::string& instance, const std::string& name, const std::string& to,
                             const Caller& caller);
  Result<OperationId> remove(const std::string& instance, const std::string& name, const Caller& caller);
  // nullopt: never.
  Result<OperationId> set_expiry(const std::string& instance, const std::string& name,
                                 std::optional<Timestamp> expires_at, const Caller& caller);

  // Makes a ready snapshot record with a volume out of any volume, for copies and imports: an incoming root becomes the
  // snapshot, others are copied. The caller holds a claim.
  Result<void> adopt(const EntryPtr& entry, SnapshotRecord record, const VolumeAt& volume, const storage::Watch& watch);

  // Deletes one on this thread. The caller holds a claim.
  Result<void> remove_now(const EntryPtr& entry, const std::string& name, const Caller& caller);

  // What a killed daemon left half-done, before the set is filled: undone or finished.
  Result<std::vector<SnapshotRecord>> recover(const InstanceRecord& instance, std::vector<SnapshotRecord> snapshots);

  // Deletes on this thread what has expired; a busy instance is passed over. Logs failures.
  void remove_expired(Timestamp now);
  // The earliest expiry of all; nullopt when nothing expires.
  std::optional<Timestamp> next_expiry() const;

 private:
  Result<SnapshotRecord> make_record(const EntryPtr& entry, const SnapshotCreate& request) const;
  Result<void> make(const EntryPtr& entry, SnapshotRecord record, const Caller& caller,
                    const OperationHandle& operation);
  Result<void> rename_now(const EntryPtr& entry, const std::string& name, const std::string& to, const Caller& caller);
  Result<SnapshotRecord> finish_rename(const InstanceRecord& instance, SnapshotRecord record);
  Result<void> finish_removal(const InstanceRecord& instance, const SnapshotRecord& record);
  void put(const EntryPtr& entry, const SnapshotRecord& record);
  void erase(const EntryPtr& entry, std::int64_t id);
  void tell(const char* action, const std::string& instance, const std::string& name, const Caller& caller,
            Value::Object context = {});

  const InstanceSurroundings& around_;
};

// The record of a ready snapshot. Takes the set's lock. Errors: kNotFound.
Result<SnapshotRecord> find_snapshot(const InstanceSet& set, const InstanceEntry& entry, const std::string& name);

// "Copy: 45%", as operation metadata under KEY, for clients that show every key ending in "_progress".
storage::Watch watch_copy(const OperationHandle& operation, const std::string& key, const std::string& word);

}  // namespace cella::manager
