#include "base/units.h"

#include <gtest/gtest.h>

namespace cella {
namespace {

TEST(Size, ReadsDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_size("size", "2MB")->value, 2000000u);
  EXPECT_EQ(parse_size("size", "4MiB")->value, 4194304u);
  EXPECT_EQ(parse_size("size", "17")->value, 17u);
  EXPECT_EQ(parse_size("size", "17B")->value, 17u);
}

TEST(Size, RefusesWhatIsNoSizeAndNamesKeyAndValue) {
  for (const char* bad : {"", "MB", "-1", "1.5GB", "1 GB", "9999999999999999999GB", "16EiB", "1mb", "0x10"}) {
    const auto size = parse_size("limits.memory", bad);
    ASSERT_FALSE(size.ok()) << bad;
    EXPECT_NE(size.error().message().find("limits.memory"), std::string::npos);
    EXPECT_NE(size.error().message().find(bad), std::string::npos);
  }
}

TEST(Size, FormatsLikeTheFieldDoes) {
  EXPECT_EQ(format_size(Bytes{512}), "512B");
  EXPECT_EQ(format_size(Bytes{1572864}), "1.50MiB");
}

TEST(BitRate, ReadsNetworkUnits) {
  EXPECT_EQ(*parse_bit_rate("limits.ingress", "10Mbit"), 10000000u);
  EXPECT_FALSE(parse_bit_rate("limits.ingress", "10MB").ok());
}

TEST(Bool, TakesTheWordsLxdTakes) {
  EXPECT_TRUE(*parse_bool("security.nesting", "On"));
  EXPECT_FALSE(*parse_bool("security.nesting", "0"));
  EXPECT_FALSE(parse_bool("security.nesting", "maybe").ok());
}

}  // namespace
}  // namespace cella
