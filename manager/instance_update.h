// Changing instances and the profiles they use.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "manager/cpu_balance.h"
#include "manager/instance.h"
#include "manager/instance_expansion.h"
#include "manager/instance_set.h"
#include "manager/operations.h"

namespace cella::manager {

// Thread-safe. around and balance outlive every operation it starts.
class InstanceUpdate : public Profiles::Users {
 public:
  using Caller = std::optional<Requestor>;
  InstanceUpdate(const InstanceSurroundings& around, CpuBalance& balance) : around_(around), balance_(balance) {}

  // See Instances::update() and patch().
  Result<OperationId> update(const std::string& name, const InstancePut& put, const Caller& caller);
  Result<void> patch(const std::string& name, const InstancePatch& patch, const Caller& caller);

  std::vector<std::string> instances_using(const std::string& profile) const override;
  Result<void> profile_changes(const Profile& next, const std::function<Result<void>()>& store) override;
  Result<void> profile_renamed(const std::string& from, const std::string& to) override;

 private:
  Result<InstanceRecord> next_record(const EntryPtr& entry, const InstancePut& put) const;
  Result<InstanceRecord> check(const EntryPtr& entry, const InstancePut& put) const;
  Result<void> carry_out(const EntryPtr& entry, const InstancePut& put, const Caller& caller);
  Result<void> become(const EntryPtr& entry, InstanceRecord next);
  Result<void> change_root(const ContainerSpec& present, const ContainerSpec& next, const InstanceRecord& record);

  const InstanceSurroundings& around_;
  CpuBalance& balance_;
};

}  // namespace cella::manager
