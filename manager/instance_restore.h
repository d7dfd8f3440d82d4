// Putting an instance back to what it was at a snapshot.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "manager/instance_approval.h"
#include "manager/instance_control.h"
#include "manager/instance_files.h"
#include "manager/instance_launcher.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"
#include "manager/operations.h"
#include "manager/volume_copies.h"

namespace cella::manager {

// Thread-safe. What it is given outlives every operation it starts.
class InstanceRestore {
 public:
  using Caller = std::optional<Requestor>;
  InstanceRestore(const InstanceSurroundings& around, InstanceControl& control, InstanceLauncher& launcher,
                  InstanceFiles& files)
      : around_(around), control_(control), launcher_(launcher), files_(files) {}

  // A running instance is stopped by force and started again afterwards. snapshot: its plain name.
  // Errors: kNotFound; kInvalid when the snapshot's configuration no longer holds; kUnsupported stateful.
  Result<OperationId> restore(const std::string& instance, const std::string& snapshot, const Caller& caller);

  // Puts a new root, which `fill` makes at the place it is given, in the place of the present one, so that a killed
  // daemon leaves one or the other. The configuration stays. The caller has a claim and entry->run; it does not run.
  Result<void> replace(const EntryPtr& entry, const std::function<Result<void>(const VolumeAt&)>& fill);

  // A restore that a killed daemon left: undone before the copy was whole, finished afterwards.
  Result<InstanceRecord> recover(const InstanceRecord& record, const std::vector<SnapshotRecord>& snapshots);

 private:
  Result<ApprovedInstance> restored_record(const CommitLock& commit, const InstanceRecord& present,
                                           const SnapshotRecord& snapshot) const;
  Result<void> carry_out(const EntryPtr& entry, const std::string& snapshot, const OperationHandle& operation);
  Result<void> swap(const EntryPtr& entry, const SnapshotRecord& snapshot, const OperationHandle& operation);
  Result<InstanceRecord> finish_replacement(const InstanceRecord& present);
  Result<InstanceRecord> finish(const InstanceRecord& present, const SnapshotRecord& snapshot);

  const InstanceSurroundings& around_;
  InstanceControl& control_;
  InstanceLauncher& launcher_;
  InstanceFiles& files_;
};

}  // namespace cella::manager
