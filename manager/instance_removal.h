// Deleting and renaming instances.
#pragma once

#include <optional>

#include "base/result.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"
#include "manager/operations.h"

namespace cella::manager {

// Thread-safe. around outlives every operation it starts.
class InstanceRemoval {
 public:
  using Caller = std::optional<Requestor>;
  explicit InstanceRemoval(const InstanceSurroundings& around) : around_(around) {}

  // See Instances::remove() and rename().
  Result<OperationId> remove(const std::string& name, const Caller& caller);
  Result<OperationId> rename(const std::string& name, const std::string& to, const Caller& caller);

  // Deletes a stopped instance on this thread. The caller holds entry->run.
  Result<void> remove_now(const EntryPtr& entry, const Caller& caller);

  // What a killed daemon left half-done, before the set is filled: deletes the volume and the record, or ends a rename.
  Result<void> finish_removal(const InstanceRecord& record);
  Result<InstanceRecord> finish_rename(const InstanceRecord& record);

 private:
  Result<void> rename_now(const EntryPtr& entry, const std::string& to);

  const InstanceSurroundings& around_;
};

}  // namespace cella::manager
