// Snapshots of custom volumes that snapshots.schedule asks for.
#pragma once

#include <optional>

#include "manager/custom_volume_snapshots.h"
#include "manager/timetable.h"

namespace cella::manager {

// For one thread, the agenda's. volumes and snapshots outlive it.
class VolumeSchedules {
 public:
  VolumeSchedules(CustomVolumes& volumes, CustomVolumeSnapshots& snapshots)
      : volumes_(volumes), snapshots_(snapshots) {}

  // When the next snapshot is due, as the volumes are configured now.
  std::optional<Timestamp> next(Timestamp now);
  // Begins an operation for each volume that is due. What was due while the daemon was down is not made up for.
  // Failures are logged.
  void run(Timestamp now);

 private:
  CustomVolumes& volumes_;
  CustomVolumeSnapshots& snapshots_;
  Timetable timetable_;
};

}  // namespace cella::manager
