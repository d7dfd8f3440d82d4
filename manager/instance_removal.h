// Deleting and renaming instances.
#pragma once

#include <optional>

#include "base/result.h"
#include "manager/instance_approval.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"
#include "manager/operations.h"

namespace cella::manager {

class InstanceFiles;

// Thread-safe. around and files outlive every operation it starts.
class InstanceRemoval {
 public:
  using Caller = std::optional<Requestor>;
  InstanceRemoval(const InstanceSurroundings& around, InstanceFiles& files) : around_(around), files_(files) {}

  // See Instances::remove() and rename().
  Result<OperationId> remove(const std::string& name, const Caller& caller);
  Result<OperationId> rename(const std::string& name, const std::string& to, const Caller& caller);

  // Deletes a stopped instance on this thread. The caller holds entry->run.
  Result<void> remove_now(const EntryPtr& entry, const Caller& caller);

  // What a killed daemon left half-done, before the set is filled: deletes the volume and the record, or ends a rename.
  Result<void> finish_removal(const InstanceRecord& record);
  Result<InstanceRecord> finish_rename(const InstanceRecord& record);

  // Renames a stopped instance on this thread; into another project, if that allows it. The caller holds entry->run and
  // a claim. Errors: kExists; as approve_instance().
  Result<void> rename_now(const EntryPtr& entry, const std::string& to);

 private:
  Result<void> check_move(InstanceRecord record, const std::string& to, const CommitLock& commit) const;

  const InstanceSurroundings& around_;
  InstanceFiles& files_;
};

// Takes away everything of an instance that is in a pool: root, snapshots, and what was being made of them.
Result<void> remove_volumes(const InstanceSurroundings& around, const InstanceRecord& record, const std::string& pool);

}  // namespace cella::manager
