#include "manager/cron.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "manager/timetable.h"

namespace cella::manager {
namespace {

// Local time is what the test says, and given back.
class Cron : public ::testing::Test {
 protected:
  void SetUp() override { set_zone("UTC"); }
  void TearDown() override {
    ::unsetenv("TZ");
    ::tzset();
  }
  static void set_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  static Timestamp at(const char* text) {
    std::tm parts{};
    ::strptime(text, "%Y-%m-%d %H:%M", &parts);
    parts.tm_isdst = -1;
    return std::chrono::system_clock::from_time_t(::mktime(&parts));
  }
  static std::string text(std::optional<Timestamp> time) {
    if (!time) return "never";
    const auto seconds = std::chrono::system_clock::to_time_t(*time);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char buffer[32];
    return {buffer, std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M", &parts)};
  }
  static std::string next(const char* schedule, const char* after, std::uint64_t subject = 0) {
    return text(Schedule::parse("snapshots.schedule", schedule, subject)->next(at(after)));
  }
};

TEST_F(Cron, FindsTheNextMinuteOfListsRangesAndSteps) {
  EXPECT_EQ(next("* * * * *", "2026-03-01 10:00"), "2026-03-01 10:01");
  EXPECT_EQ(next("0 6 * * *", "2026-03-01 06:00"), "2026-03-02 06:00");
  EXPECT_EQ(next("*/15 8-17 * * *", "2026-03-01 17:45"), "2026-03-02 08:00");
  EXPECT_EQ(next("5,10,40-42 * * * *", "2026-03-01 10:41"), "2026-03-01 10:42");
  EXPECT_EQ(next("10-30/10 0 * * *", "2026-03-01 00:20"), "2026-03-01 00:30");
  EXPECT_EQ(next("50/4 * * * *", "2026-03-01 00:50"), "2026-03-01 00:54");
}

TEST_F(Cron, KnowsDaysOfMonthsAndWeeks) {
  EXPECT_EQ(next("0 0 31 * *", "2026-04-01 00:00"), "2026-05-31 00:00");
  EXPECT_EQ(next("0 0 29 2 *", "2026-01-01 00:00"), "2028-02-29 00:00");
  EXPECT_EQ(next("0 0 30 feb *", "2026-01-01 00:00"), "never");
  EXPECT_EQ(next("0 0 * * mon", "2026-03-01 00:00"), "2026-03-02 00:00");
  EXPECT_EQ(next("0 0 * JAN-FEB 7", "2026-03-01 00:00"), "2027-01-03 00:00");
  // Day or weekday, when both are restricted.
  EXPECT_EQ(next("0 0 13 * 5", "2026-03-01 00:00"), "2026-03-06 00:00");
  EXPECT_EQ(next("0 0 13 * *", "2026-03-01 00:00"), "2026-03-13 00:00");
}

TEST_F(Cron, TakesTheEarliestOfSeveral) {
  EXPECT_EQ(next("0 6 * * *, 0 18 * * *", "2026-03-01 07:00"), "2026-03-01 18:00");
  EXPECT_EQ(next("@never", "2026-03-01 07:00"), "never");
  EXPECT_EQ(next("", "2026-03-01 07:00"), "never");
  EXPECT_EQ(next("@startup", "2026-03-01 07:00"), "never");
  EXPECT_TRUE(Schedule::parse("k", "@startup, 0 1 * * *", 0)->at_startup());
}

TEST_F(Cron, SpreadsTheWordsOverTheHour) {
  EXPECT_EQ(next("@hourly", "2026-03-01 07:00"), "2026-03-01 08:00");
  EXPECT_NE(next("@hourly", "2026-03-01 07:30", 1), next("@hourly", "2026-03-01 07:30", 2));
  EXPECT_EQ(next("@midnight", "2026-03-01 07:00", 1).substr(0, 13), "2026-03-02 00");
  EXPECT_EQ(next("@WEEKLY", "2026-03-02 00:00", 7).substr(0, 10), "2026-03-08");
  EXPECT_EQ(next("@monthly", "2026-03-02 00:00", 7).substr(0, 10), "2026-04-01");
  EXPECT_EQ(next("@yearly", "2026-03-02 00:00", 7), next("@annually", "2026-03-02 00:00", 7));
}

TEST_F(Cron, LeavesOutTheHourThatDaylightSavingSkips) {
  set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  EXPECT_EQ(next("30 2 * * *", "2026-03-29 00:00"), "2026-03-30 02:30");
  EXPECT_EQ(next("30 3 * * *", "2026-03-29 00:00"), "2026-03-29 03:30");
}

TEST_F(Cron, RefusesWhatIsNoScheduleAndNamesIt) {
  for (const char* bad : {"* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
                          "*/0 * * * *", "5-1 * * * *", "a * * * *", "@dayly", "@daily,@hourly", "1,, * * * *", " "}) {
    const auto checked = check_schedule("snapshots.schedule", bad);
    ASSERT_FALSE(checked.ok()) << bad;
    EXPECT_EQ(checked.error().kind(), ErrorKind::kInvalid);
    EXPECT_NE(checked.error().message().find("snapshots.schedule"), std::string::npos) << checked.error().message();
  }
}

TEST_F(Cron, TimetableCountsFromWhenASubjectAppeared) {
  Timetable table;
  EXPECT_FALSE(table.next());
  table.update({{"a", 1, "0 * * * *"}}, at("2026-03-01 10:30"));
  EXPECT_EQ(text(table.next()), "2026-03-01 11:00");
  EXPECT_TRUE(table.take_due(at("2026-03-01 10:59")).empty());
  // Another subject does not move the first.
  table.update({{"a", 1, "0 * * * *"}, {"b", 2, "5 * * * *"}}, at("2026-03-01 11:02"));
  EXPECT_EQ(table.take_due(at("2026-03-01 11:02")), std::vector<std::string>{"a"});
  EXPECT_EQ(text(table.next()), "2026-03-01 11:05");
  // What was missed for hours counts once.
  EXPECT_EQ(table.take_due(at("2026-03-01 15:30")), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(text(table.next()), "2026-03-01 16:00");
}

TEST_F(Cron, TimetableFollowsChangesAndAClockThatGoesBack) {
  Timetable table;
  table.update({{"a", 1, "0 12 * * *"}}, at("2026-03-01 10:00"));
  table.update({{"a", 1, "0 11 * * *"}}, at("2026-03-01 10:00"));
  EXPECT_EQ(text(table.next()), "2026-03-01 11:00");
  table.update({{"a", 1, "0 11 * * *"}}, at("2026-02-01 10:00"));
  EXPECT_EQ(text(table.next()), "2026-02-01 11:00");
  table.update({}, at("2026-02-01 10:00"));
  EXPECT_FALSE(table.next());
}

}  // namespace
}  // namespace cella::manager
