// What happens when a container's init ends: by our hand, by its own power-off or reboot, or by accident.
#pragma once

#include <functional>
#include <memory>

#include "manager/instance_launcher.h"
#include "manager/operation_pool.h"

namespace cella::manager {

// Exits are worked off on threads of their own, in any order between instances. Thread-safe.
class InstanceExits {
 public:
  // remove: deletes a stopped ephemeral instance; called with the entry's run lock held.
  InstanceExits(const InstanceSurroundings& around, InstanceLauncher& launcher,
                std::function<Result<void>(const EntryPtr&)> remove);
  // Waits for the exits being worked off.
  ~InstanceExits();

  // Queues an exit reported by the keeper. Repeated and unknown ones are harmless.
  void report(const runtime::ContainerExit& exit);

  // Works an exit off on this thread: gives back what the run held, then starts the instance again (reboot), deletes it
  // (ephemeral) or leaves it stopped.
  void work_off(const runtime::ContainerExit& exit);

 private:
  void end_run(const EntryPtr& entry, const runtime::ContainerExit& exit);
  void restart(const EntryPtr& entry);

  const InstanceSurroundings& around_;
  InstanceLauncher& launcher_;
  const std::function<Result<void>(const EntryPtr&)> remove_;
  std::shared_ptr<OperationPool> pool_;
};

// Whether init ended by reboot(2) asking for a restart: in a PID namespace of its own it is then killed by SIGHUP
// (SIGINT for halt and power off). Source: reboot(2).
bool is_reboot(std::optional<int> wait_status);

}  // namespace cella::manager
