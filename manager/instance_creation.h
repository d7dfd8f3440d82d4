// Making instances.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/instance.h"
#include "manager/instance_approval.h"
#include "manager/instance_expansion.h"
#include "manager/instance_set.h"
#include "manager/operations.h"

namespace cella::manager {

// Thread-safe. around outlives every operation it starts.
class InstanceCreation {
 public:
  using Caller = std::optional<Requestor>;
  explicit InstanceCreation(const InstanceSurroundings& around) : around_(around) {}

  // See Instances::create(), for images and empty roots.
  Result<OperationId> create(const InstanceCreate& request, const FetchImage& fetch, const Caller& caller);

  // Where the root of a new instance comes from.
  struct NewRoot {
    std::string description = "Creating instance";
    std::string base_image;             // fingerprint; empty: none
    std::vector<std::string> involved;  // further instances (qualified), named in the operation's resources
    OperationClass operation_class = OperationClass::kTask;
    Value::Object metadata;             // of the operation
    FetchImage fetch;                   // set: base_image is what it brings, before anything is made
    bool may_cancel = false;
    // Makes the root volume, and what else belongs to the new instance. What it made is removed when it fails.
    std::function<Result<void>(const EntryPtr&, const OperationHandle&)> fill;
  };
  // Checks the record (as make_record() gave it), reserves its name and starts the operation that makes it.
  Result<OperationId> create_as(InstanceRecord record, const std::string& name, NewRoot root, const Caller& caller);

  // The record of a request, without pool and id. Errors: kInvalid, kUnsupported.
  Result<InstanceRecord> make_record(const InstanceCreate& request);
 private:
  // Those an instance of this name can be made of.
  Images& images(const std::string& instance) const;
  struct Reserved {
    EntryPtr entry;
    std::shared_ptr<ApprovedInstance> approved;
  };
  Result<Reserved> reserve(InstanceRecord record, bool name_given);
  Result<void> make(const Reserved& reserved, const NewRoot& root, std::optional<Bytes> size,
                    const OperationHandle& operation);
  Result<std::string> fetch_image(const EntryPtr& entry, const NewRoot& root, const OperationHandle& operation);
  Result<void> insert(const Reserved& reserved, const std::string& fingerprint);

  const InstanceSurroundings& around_;
};

}  // namespace cella::manager
