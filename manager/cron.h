// When something is due by the clock: the schedules of snapshots, written as crontab(5) or as one of LXD's words.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/operation.h"

namespace cella::manager {

// One or more schedules, separated by ", ": each either five fields "MINUTE HOUR DAY MONTH WEEKDAY" (numbers, names of
// months and days, lists, ranges, steps; a day is due when day or weekday fits if both are restricted), or one of
// @hourly @daily @midnight @weekly @monthly @annually @yearly @startup @never. A value, in local time.
class Schedule {
 public:
  // subject: what the schedule is for, any number. The words (all but @startup and @never) are due at a minute, and
  // those of a day or longer (but @midnight) at an hour, that follow from it: so not everything is due at once. An
  // empty text is never due. Errors: kInvalid naming key and value.
  static Result<Schedule> parse(std::string_view key, std::string_view text, std::uint64_t subject);

  // The first due moment after `after`, a whole minute; nullopt when there is none within the next eight years (that of
  // 29 February may be eight years away).
  std::optional<Timestamp> next(Timestamp after) const;
  // "@startup" is among them: due whenever the subject starts.
  bool at_startup() const { return at_startup_; }

 private:
  struct Times {
    std::bitset<60> minutes;
    std::bitset<24> hours;
    std::bitset<32> days;      // 1 to 31
    std::bitset<13> months;    // 1 to 12
    std::bitset<8> weekdays;   // 0 to 6, Sunday is 0
    bool any_day = false;      // the field is "*"
    bool any_weekday = false;
  };
  static Result<Times> parse_fields(std::string_view key, std::string_view text);
  static std::optional<Timestamp> next_of(const Times& times, Timestamp after);

  std::vector<Times> times_;
  bool at_startup_ = false;
};

// For the key table: any subject. Errors: as parse().
Result<void> check_schedule(std::string_view key, std::string_view value);

}  // namespace cella::manager
