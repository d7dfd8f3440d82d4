// What is due when, out of many schedules. Knows no clock: it is told the time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "manager/cron.h"

namespace cella::manager {

// Not thread-safe.
class Timetable {
 public:
  struct Subject {
    std::string name;          // unique
    std::uint64_t number = 0;  // spreads the words of schedules over the hour
    std::string schedule;      // as Schedule::parse() takes it; one that cannot be read is never due
    bool operator==(const Subject&) const = default;
  };

  // The subjects are these and no others. One that is new, or has another schedule, is due from `now` on; the others
  // keep their time, unless the clock went back behind the moment at which it was reckoned.
  void update(const std::vector<Subject>& subjects, Timestamp now);
  // The earliest due moment; nullopt when nothing is.
  std::optional<Timestamp> next() const;
  // Those that are due at `now`, by name. Each is then due after `now` again: what was missed counts once.
  std::vector<std::string> take_due(Timestamp now);

 private:
  struct Entry {
    Subject subject;
    Schedule schedule;
    std::optional<Timestamp> due;
    Timestamp reckoned;
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace cella::manager
