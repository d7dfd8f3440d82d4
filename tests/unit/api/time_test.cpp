#include "api/time.h"

#include <gtest/gtest.h>

namespace cella::api {
namespace {

TEST(Time, KeepsRecordedTexts) {
  for (const char* text : {"2026-11-23T05:22:11.833775733Z", "2026-11-23T05:16:55Z", "1970-01-01T00:00:00Z",
                           "2026-11-23T05:23:41.0492308Z", "2000-02-29T23:59:59.000000001Z"}) {
    const auto time = parse_time(text);
    ASSERT_TRUE(time.ok()) << text;
    ASSERT_TRUE(time->has_value()) << text;
    EXPECT_EQ(format_time(*time), text);
  }
}

TEST(Time, ReadsOffsets) {
  const auto east = parse_time("2026-11-23T06:22:11+01:00");
  const auto utc = parse_time("2026-11-23T05:22:11Z");
  ASSERT_TRUE(east.ok() && utc.ok());
  EXPECT_EQ(**east, **utc);
  EXPECT_EQ(format_time(**parse_time("2026-11-23T00:10:00-00:30")), "2026-11-23T00:40:00Z");
}

TEST(Time, TakesTheZeroTimeForNever) {
  EXPECT_FALSE(parse_time("0001-01-01T00:00:00Z")->has_value());
  EXPECT_FALSE(parse_time("")->has_value());
  EXPECT_EQ(format_time(std::nullopt), "0001-01-01T00:00:00Z");
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"yesterday", "2026-11-23", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
                           "2026-11-23T25:00:00Z", "2026-11-23T05:22:11", "2026-11-23T05:22:11.Z",
                           "2026-11-23T05:22:11.1234567890Z", "2026-11-23T05:22:11+0100", "2026-11-23T05:22:11Zx"}) {
    EXPECT_FALSE(parse_time(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cella::api
