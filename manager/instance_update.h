// Changing instances and the profiles they use.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "manager/cpu_balance.h"
#include "manager/instance.h"
#include "manager/instance_approval.h"
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

  // The instance's own devices become these, now and without an event; for what names have changed behind them.
  Result<void> change_devices(const std::string& name, const Devices& devices);

  std::vector<std::string> instances_using(const std::string& project, const std::string& profile) const override;
  Result<void> profile_appears(const Profile& profile) override;
  Result<void> profile_changes(const Profile& next, const std::function<Result<void>()>& store) override;
  Result<void> profile_renamed(const std::string& project, const std::string& from, const std::string& to) override;

  // Nodes of the host that a running instance waits for have come or gone. What fails is logged.
  void follow_nodes(std::int64_t instance);

 private:
  Result<InstanceRecord> next_record(const EntryPtr& entry, const InstancePut& put) const;
  Result<ApprovedInstance> check(const EntryPtr& entry, const InstancePut& put, const CommitLock& commit) const;
  Result<void> carry_out(const EntryPtr& entry, const InstancePut& put, const Caller& caller);
  // commit is held by the caller.
  Result<void> become(const EntryPtr& entry, ApprovedInstance approved);
  Result<void> apply_profiles(const EntryPtr& entry);
  std::vector<EntryPtr> users_of(const std::string& project, const std::string& profile) const;
  Result<void> change_root(const ContainerSpec& present, const ContainerSpec& next, const InstanceRecord& record);

  const InstanceSurroundings& around_;
  CpuBalance& balance_;
};

}  // namespace cella::manager
