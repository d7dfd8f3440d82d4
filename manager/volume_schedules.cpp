#include "manager/volume_schedules.h"

#include <algorithm>

#include "manager/events.h"

namespace cella::manager {
namespace {

std::string subject_name(const VolumeRecord& volume) { return std::to_string(volume.id); }

}  // namespace

std::optional<Timestamp> VolumeSchedules::next(Timestamp now) {
  std::vector<Timetable::Subject> subjects;
  for (const VolumeRecord& volume : volumes_.table().volumes("", "")) {
    const auto schedule = volume.config.find("snapshots.schedule");
    if (schedule == volume.config.end()) continue;
    subjects.push_back({subject_name(volume), static_cast<std::uint64_t>(volume.id), schedule->second});
  }
  timetable_.update(subjects, now);
  return timetable_.next();
}

void VolumeSchedules::run(Timestamp now) {
  const auto due = timetable_.take_due(now);
  for (const VolumeRecord& volume : volumes_.table().volumes("", "")) {
    if (std::find(due.begin(), due.end(), subject_name(volume)) == due.end()) continue;
    const auto begun = snapshots_.create(volume.key, {}, std::nullopt);
    if (!begun.ok()) {
      volumes_.wiring().events.log(
          {"eror", "no scheduled snapshot: " + begun.error().message(), {{"volume", volume.key.name}}});
    }
  }
}

}  // namespace cella::manager
