// Copies of instances and snapshots on this host, and moves from pool to pool.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "manager/instance.h"
#include "manager/instance_creation.h"
#include "manager/instance_files.h"
#include "manager/instance_removal.h"
#include "manager/instance_set.h"
#include "manager/instance_snapshots.h"
#include "manager/instance_surroundings.h"
#include "manager/operations.h"

namespace cella::manager {

// Thread-safe. What it is given outlives every operation it starts.
class InstanceCopies {
 public:
  using Caller = std::optional<Requestor>;
  InstanceCopies(const InstanceSurroundings& around, InstanceCreation& creation, InstanceSnapshots& snapshots,
                 InstanceRemoval& removal, InstanceFiles& files)
      : around_(around), creation_(creation), snapshots_(snapshots), removal_(removal), files_(files) {}

  // Makes request.name out of request.copy: what the request does not say of configuration and devices is as in the
  // source, volatile keys and MAC addresses are new. A running source is held still while its files are copied.
  // Errors: kNotFound for the source, kBusy, and those of a creation.
  Result<OperationId> copy(const InstanceCreate& request, const Caller& caller);

  // Moves a stopped instance with its snapshots to another pool, then gives it the name `to`.
  // Errors: kInvalid when it runs; kNotFound for the pool; kExists for the name.
  Result<OperationId> move(const std::string& name, const std::string& to, const std::string& pool,
                           const Caller& caller);

  // Makes `place` a copy of the instance's root, which is held still meanwhile when it runs. The caller has a claim.
  Result<void> copy_root(const EntryPtr& source, const VolumeAt& place, const OperationHandle& operation);
  // A move that a killed daemon left: undone before it was committed, finished afterwards.
  Result<InstanceRecord> recover(const InstanceRecord& record);

 private:
  Result<void> fill(const EntryPtr& source, const InstanceCreate& request, const EntryPtr& target,
                    const OperationHandle& operation);
  Result<void> copy_snapshots(const EntryPtr& source, const EntryPtr& target, const OperationHandle& operation);
  Result<void> move_now(const EntryPtr& entry, const std::string& pool, const OperationHandle& operation);
  Result<InstanceRecord> moved_record(const EntryPtr& entry, const std::string& pool) const;
  Result<void> copy_volumes(const InstanceRecord& from, const InstanceRecord& to, const OperationHandle& operation);

  const InstanceSurroundings& around_;
  InstanceCreation& creation_;
  InstanceSnapshots& snapshots_;
  InstanceRemoval& removal_;
  InstanceFiles& files_;
};

}  // namespace cella::manager
