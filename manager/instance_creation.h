// Making instances.
#pragma once

#include <optional>

#include "base/result.h"
#include "manager/instance.h"
#include "manager/instance_expansion.h"
#include "manager/instance_set.h"
#include "manager/operations.h"

namespace cella::manager {

// Thread-safe. around outlives every operation it starts.
class InstanceCreation {
 public:
  using Caller = std::optional<Requestor>;
  explicit InstanceCreation(const InstanceSurroundings& around) : around_(around) {}

  // See Instances::create().
  Result<OperationId> create(const InstanceCreate& request, const Caller& caller);

 private:
  Result<InstanceRecord> make_record(const InstanceCreate& request);
  Result<EntryPtr> reserve(InstanceRecord record, bool name_given);
  Result<void> make(const EntryPtr& entry, const std::string& fingerprint, std::optional<Bytes> size,
                    const OperationHandle& operation);
  Result<void> insert(const EntryPtr& entry, const std::string& fingerprint);
  Result<void> make_root(const InstanceRecord& record, const std::string& fingerprint, std::optional<Bytes> size,
                         const OperationHandle& operation);

  const InstanceSurroundings& around_;
};

}  // namespace cella::manager
