// Copies brought up to date with what they were copied from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/instance.h"
#include "manager/instance_copies.h"
#include "manager/instance_restore.h"
#include "manager/instance_set.h"
#include "manager/instance_snapshots.h"
#include "manager/instance_surroundings.h"
#include "manager/operations.h"

namespace cella::manager {

struct SnapshotChanges {
  std::vector<SnapshotRecord> missing;  // of the source's, in order
  std::vector<std::string> stale;       // of the copy's: names that the source has not, or not of that moment
};
// Snapshots are the same when name and second of creation are.
SnapshotChanges compare_snapshots(const std::vector<SnapshotRecord>& source, const std::vector<SnapshotRecord>& copy);

// A snapshot follows its instance: its root disk is where the instance's is.
void settle_root_pool(Devices& devices, const Devices& instance);

// Thread-safe. What it is given outlives every operation it starts.
class InstanceRefresh {
 public:
  using Caller = std::optional<Requestor>;
  InstanceRefresh(const InstanceSurroundings& around, InstanceCopies& copies, InstanceSnapshots& snapshots,
                  InstanceRestore& restore, InstanceFiles& files)
      : around_(around), copies_(copies), snapshots_(snapshots), restore_(restore), files_(files) {}

  // Makes `name` (qualified, stopped) what the source is now: snapshots it lacks are copied, those the source has not
  // are deleted when all has arrived, the root is replaced. Its configuration stays. Errors: kInvalid when it runs or is
  // the source itself;
  // kNotFound, kBusy for either.
  Result<OperationId> refresh(const std::string& name, const CopyFrom& source, const Caller& caller);

  // Takes the claim for a refresh. Errors: as above.
  Result<InstanceSet::Claim> claim(const std::string& name);
  // A snapshot that has arrived in the instance's incoming volume takes its place, and that of one of its name.
  Result<void> put_snapshot(const EntryPtr& entry, SnapshotRecord snapshot, const storage::Watch& watch);
  // Deletes the stale snapshots of a claimed instance that were not replaced: at the end, when all has arrived.
  Result<void> remove_stale(const EntryPtr& entry, const SnapshotChanges& changes);
  // Puts the root that `fill` makes at its place in place of the present one, at once.
  Result<void> replace_root(const EntryPtr& entry, const std::function<Result<void>(const VolumeAt&)>& fill);

 private:
  Result<void> carry_out(const EntryPtr& source, const EntryPtr& copy, const CopyFrom& from,
                         const OperationHandle& operation);

  const InstanceSurroundings& around_;
  InstanceCopies& copies_;
  InstanceSnapshots& snapshots_;
  InstanceRestore& restore_;
  InstanceFiles& files_;
};

}  // namespace cella::manager
