#include "manager/timetable.h"

namespace cella::manager {

void Timetable::update(const std::vector<Subject>& subjects, Timestamp now) {
  std::map<std::string, Entry> next;
  for (const Subject& subject : subjects) {
    const auto present = entries_.find(subject.name);
    if (present != entries_.end() && present->second.subject == subject && present->second.reckoned <= now) {
      next.insert(entries_.extract(present));
      continue;
    }
    auto schedule = Schedule::parse("schedule", subject.schedule, subject.number);
    if (!schedule.ok()) continue;
    const auto due = schedule->next(now);
    next[subject.name] = Entry{subject, *std::move(schedule), due, now};
  }
  entries_ = std::move(next);
}

std::optional<Timestamp> Timetable::next() const {
  std::optional<Timestamp> first;
  for (const auto& [name, entry] : entries_) {
    if (entry.due && (!first || *entry.due < *first)) first = entry.due;
  }
  return first;
}

std::vector<std::string> Timetable::take_due(Timestamp now) {
  std::vector<std::string> names;
  for (auto& [name, entry] : entries_) {
    if (!entry.due || *entry.due > now) continue;
    names.push_back(name);
    entry.due = entry.schedule.next(now);
    entry.reckoned = now;
  }
  return names;
}

}  // namespace cella::manager
