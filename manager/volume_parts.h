// All the classes behind custom volumes, built in order and torn down in the reverse.
#pragma once

#include <memory>
#include <optional>

#include "manager/custom_volume_backups.h"
#include "manager/custom_volume_copies.h"
#include "manager/custom_volume_snapshots.h"
#include "manager/custom_volumes.h"
#include "manager/volume_schedules.h"
#include "manager/volume_users.h"

namespace cella::manager {

struct VolumeParts {
  VolumeParts(CustomVolumes::Wiring wiring, const std::string& state_dir)
      : volumes(wiring),
        snapshots(volumes),
        copies(volumes, snapshots),
        backups(volumes, snapshots, state_dir),
        schedules(volumes, snapshots) {}
  VolumeParts(const VolumeParts&) = delete;
  VolumeParts& operator=(const VolumeParts&) = delete;

  Result<void> load() {
    TRY(volumes.load());
    return backups.load();
  }

  // Once there are instances and profiles. Errors: kIo when a renaming cannot be ended.
  Result<void> connect(const InstanceSet& set, Profiles& profiles, InstanceUpdate& update) {
    users.emplace(volumes, set, profiles, update);
    volumes.set_users(&*users);
    return volumes.settle();
  }

  // Of a pool's volumes, for its `used_by`.
  std::vector<std::string> urls(const std::string& pool) {
    std::vector<std::string> found;
    for (const VolumeRecord& volume : volumes.table().volumes(pool, "")) found.push_back(volume_url(volume.key));
    return found;
  }

  // What is due by the clock, for the agenda.
  std::optional<Timestamp> next_chore(Timestamp now) {
    auto next = schedules.next(now);
    for (const auto& other : {snapshots.next_expiry(), backups.next_sweep(now)}) {
      if (other && (!next || *other < *next)) next = other;
    }
    return next;
  }
  void run_chores(Timestamp now) {
    schedules.run(now);
    snapshots.sweep(now);
    backups.sweep(now);
  }

  CustomVolumes volumes;
  CustomVolumeSnapshots snapshots;
  CustomVolumeCopies copies;
  CustomVolumeBackups backups;
  VolumeSchedules schedules;
  std::optional<DeviceVolumeUsers> users;
};

}  // namespace cella::manager
