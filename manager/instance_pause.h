// Holding a running container still while its files are copied.
#pragma once

#include <memory>

#include "base/result.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"

namespace cella::manager {

// Freezes a running container whose pool cannot copy at once, and lets it go on when destroyed. A daemon that is killed
// meanwhile finds the note about it in the database and lets it go on at its next start.
class InstancePause {
 public:
  // Nothing to hold still (stopped, frozen by its user, a pool that copies at once): success.
  // Errors: kTimeout when the container does not freeze within 10 s.
  static Result<InstancePause> begin(const InstanceSurroundings& around, const EntryPtr& entry);
  InstancePause(InstancePause&& other) noexcept
      : around_(other.around_), running_(std::move(other.running_)), record_(std::move(other.record_)) {}
  InstancePause& operator=(InstancePause&&) = delete;
  ~InstancePause();

 private:
  InstancePause(const InstanceSurroundings& around, std::shared_ptr<RunningContainer> running, InstanceRecord record)
      : around_(around), running_(std::move(running)), record_(std::move(record)) {}

  const InstanceSurroundings& around_;
  std::shared_ptr<RunningContainer> running_;  // null: nothing is held
  InstanceRecord record_;
};

// After a restart of the daemon, when the running containers are found: those that a killed one held go on.
Result<void> end_pauses(const InstanceSurroundings& around);

}  // namespace cella::manager
