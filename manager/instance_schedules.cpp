#include "manager/instance_schedules.h"

#include <algorithm>

#include "base/units.h"
#include "manager/device_rules.h"
#include "manager/events.h"
#include "manager/names.h"
#include "manager/warnings.h"

namespace cella::manager {
namespace {

constexpr const char* kSchedule = "snapshots.schedule";
constexpr const char* kStopped = "snapshots.schedule.stopped";

std::string subject_name(const InstanceRecord& record) { return std::to_string(record.id); }

bool may_be_stopped(const Config& config) {
  const auto& text = device_value(config, kStopped);
  if (text.empty()) return false;
  const auto value = parse_bool(kStopped, text);
  return value.ok() && *value;
}

// failure: empty when the snapshot was taken.
void report(const InstanceSurroundings& around, const std::string& instance, const std::string& failure) {
  const auto project = project_of(instance);
  const auto url = instance_url(instance);
  if (failure.empty()) return around.warnings.resolve(WarningKind::kScheduledSnapshotFailure, project, url);
  around.warnings.raise(WarningKind::kScheduledSnapshotFailure, project, url, failure);
  around.events.log({"eror", "no scheduled snapshot: " + failure, {{"instance", instance}}});
}

}  // namespace

bool snapshots_at_startup(const Config& expanded_config) {
  const auto schedule = Schedule::parse(kSchedule, device_value(expanded_config, kSchedule), 0);
  return schedule.ok() && schedule->at_startup();
}

std::optional<Timestamp> InstanceSchedules::next(Timestamp now) {
  std::vector<Timetable::Subject> subjects;
  const auto entries = around_.set.list();
  {
    std::shared_lock lock(around_.set.mutex());
    for (const auto& entry : entries) {
      const auto& schedule = device_value(entry->expanded_config, kSchedule);
      if (schedule.empty()) continue;
      subjects.push_back({subject_name(entry->record), static_cast<std::uint64_t>(entry->record.id), schedule});
    }
  }
  timetable_.update(subjects, now);
  return timetable_.next();
}

void InstanceSchedules::run(Timestamp now) {
  const auto due = timetable_.take_due(now);
  for (const auto& entry : around_.set.list()) {
    std::string name;
    {
      std::shared_lock lock(around_.set.mutex());
      if (std::find(due.begin(), due.end(), subject_name(entry->record)) == due.end()) continue;
      if (entry->running == nullptr && !may_be_stopped(entry->expanded_config)) continue;
      name = entry->record.name;
    }
    const auto begun = snapshots_.create(name, {}, std::nullopt);
    if (!begun.ok()) {
      report(around_, name, begun.error().message());
      continue;
    }
    (void)around_.operations.when_finished(*begun, [this, name](const OperationRecord& record) {
      report(around_, name, record.error);
    });
  }
}

}  // namespace cella::manager
