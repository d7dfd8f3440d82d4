// Start, stop, restart, freeze and unfreeze, as operations.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "manager/instance_launcher.h"
#include "manager/instance_snapshots.h"
#include "manager/operations.h"

namespace cella::manager {

// Thread-safe. What it is given outlives every operation it starts.
class InstanceControl {
 public:
  using Caller = std::optional<Requestor>;

  InstanceControl(const InstanceSurroundings& around, InstanceLauncher& launcher, InstanceSnapshots& snapshots)
      : around_(around), launcher_(launcher), snapshots_(snapshots) {}

  // See Instances::change_state().
  Result<OperationId> change_state(const std::string& name, const StateChange& change, const Caller& caller);

  // Stops a running instance on this thread; nothing to do is success. The caller holds a claim on it.
  // timeout: for a graceful stop. Errors: kTimeout: it still runs.
  struct StopRequest {
    StopIntent intent = StopIntent::kStop;
    bool force = false;
    std::chrono::seconds timeout{600};
  };
  Result<void> stop(const EntryPtr& entry, const StopRequest& request, const OperationHandle& operation);

 private:
  Result<OperationId> start_operation(const std::string& name, const StateChange& change, const Caller& caller);
  Result<OperationId> kill_operation(const EntryPtr& entry, const Caller& caller);
  Result<void> carry_out(const EntryPtr& entry, const StateChange& change, const OperationHandle& operation);
  Result<void> start(const EntryPtr& entry, const OperationHandle& operation);
  // One stop in progress: whom, and until when.
  struct Stopping {
    const EntryPtr& entry;
    const RunningContainer& running;
    std::chrono::steady_clock::time_point deadline;
    std::stop_token token;
  };
  Result<void> ask_to_stop(const Stopping& stopping);
  Result<void> send_stop_signal(const Stopping& stopping);
  Result<void> kill(const Stopping& stopping);
  Result<void> set_frozen(const EntryPtr& entry, StateAction action);
  bool wait_for_end(const Stopping& stopping, std::chrono::steady_clock::time_point deadline);
  void tell(const char* action, const std::string& name, const Caller& caller);

  const InstanceSurroundings& around_;
  InstanceLauncher& launcher_;
  InstanceSnapshots& snapshots_;
};

}  // namespace cella::manager
