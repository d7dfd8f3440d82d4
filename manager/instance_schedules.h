// Snapshots of instances that snapshots.schedule asks for.
#pragma once

#include <optional>

#include "manager/instance_snapshots.h"
#include "manager/timetable.h"

namespace cella::manager {

// For one thread, the agenda's. around and snapshots outlive it.
class InstanceSchedules {
 public:
  InstanceSchedules(const InstanceSurroundings& around, InstanceSnapshots& snapshots)
      : around_(around), snapshots_(snapshots) {}

  // When the next snapshot is due, as the instances are configured now.
  std::optional<Timestamp> next(Timestamp now);
  // Begins an operation for each instance that is due and runs (or has snapshots.schedule.stopped). What was due while
  // the daemon was down is not made up for. Failures are logged and raise a warning.
  void run(Timestamp now);

 private:
  const InstanceSurroundings& around_;
  InstanceSnapshots& snapshots_;
  Timetable timetable_;
};

// Whether snapshots.schedule of the instance asks for a snapshot whenever it starts.
bool snapshots_at_startup(const Config& expanded_config);

}  // namespace cella::manager
