#include "manager/snapshot_names.h"

#include <gtest/gtest.h>

namespace cella::manager {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

Timestamp at(const char* text) {
  std::tm parts{};
  ::strptime(text, "%Y-%m-%d %H:%M", &parts);
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

TEST(SnapshotNames, CountOneAboveTheHighestOfTheirMake) {
  EXPECT_EQ(*next_snapshot_name("", {}, Timestamp()), "snap0");
  EXPECT_EQ(*next_snapshot_name("", {"snap0", "snap7", "other", "snapx", "snap"}, Timestamp()), "snap8");
  EXPECT_EQ(*next_snapshot_name("a%d-b", {"a3-b", "a9-c"}, Timestamp()), "a4-b");
}

TEST(SnapshotNames, OfAPatternWithoutNumberGetOneWhenTaken) {
  EXPECT_EQ(*next_snapshot_name("daily", {}, Timestamp()), "daily");
  EXPECT_EQ(*next_snapshot_name("daily", {"daily"}, Timestamp()), "daily-0");
  EXPECT_EQ(*next_snapshot_name("daily", {"daily", "daily-0"}, Timestamp()), "daily-1");
}

TEST(SnapshotNames, MayTellTheTime) {
  EXPECT_EQ(*next_snapshot_name("at-{{ creation_date }}", {}, at("2026-11-23 09:30")), "at-20261123-093000");
}

TEST(SnapshotNames, RefuseBadPatterns) {
  for (const char* pattern : {"%d%d", "a/b", "{{ nowhere", "-x", "with space"}) {
    EXPECT_FALSE(next_snapshot_name(pattern, {}, Timestamp()).ok()) << pattern;
  }
  EXPECT_FALSE(check_snapshot_name("").ok());
  EXPECT_FALSE(check_snapshot_name("..").ok());
  EXPECT_TRUE(check_snapshot_name("2026-11-23.a_b").ok());
}

TEST(SnapshotExpiry, AddsItsParts) {
  const auto from = at("2026-11-23 09:30");
  EXPECT_EQ(*expiry_time("k", "", from), std::nullopt);
  EXPECT_EQ(**expiry_time("k", "5M", from), from + minutes(5));
  EXPECT_EQ(**expiry_time("k", "1H 2d 1w", from), from + hours(1) + days(9));
  EXPECT_EQ(**expiry_time("k", "2m", from), at("2027-01-23 09:30"));
  EXPECT_EQ(**expiry_time("k", "1y", from), at("2027-11-23 09:30"));
  EXPECT_EQ(**expiry_time("k", "1m", at("2026-01-31 00:00")), at("2026-03-03 00:00"));
}

TEST(SnapshotExpiry, RefusesWhatIsNoTime) {
  for (const char* text : {"soon", "5", "5x", "-1d", "d", "1d2H", "99999999999d"}) {
    EXPECT_FALSE(expiry_time("k", text, Timestamp()).ok()) << text;
  }
}

}  // namespace
}  // namespace cella::manager
