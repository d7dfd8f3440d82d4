#include "manager/disk_limits.h"

#include <gtest/gtest.h>

namespace cella::manager {
namespace {

TEST(DiskLimit, ReadsBytesAndOperations) {
  const auto limit = parse_disk_limit("root", {{"path", "/"}, {"pool", "p"}, {"limits.read", "30MB"}, {"limits.write", "20iops"}});
  ASSERT_TRUE(limit.ok() && limit->has_value());
  EXPECT_EQ((*limit)->rates.read_bytes, 30'000'000u);
  EXPECT_EQ((*limit)->rates.write_operations, 20u);
  EXPECT_FALSE((*limit)->rates.write_bytes);
  EXPECT_FALSE((*limit)->rates.read_operations);
}

TEST(DiskLimit, MaxIsBothAndStandsAlone) {
  const auto limit = parse_disk_limit("d", {{"limits.max", "10MB"}});
  ASSERT_TRUE(limit.ok() && limit->has_value());
  EXPECT_EQ((*limit)->rates.read_bytes, (*limit)->rates.write_bytes);
  EXPECT_FALSE(parse_disk_limit("d", {{"limits.max", "10MB"}, {"limits.read", "1MB"}}).ok());
  EXPECT_FALSE(parse_disk_limit("d", {{"limits.read", "fast"}}).ok());
  EXPECT_FALSE(parse_disk_limit("d", {{"path", "/"}})->has_value());
}

TEST(DiskLimit, DisksOnOneDeviceShareTheirAverage) {
  using cgroups::IoMax;
  const std::vector<IoMax> limits{{.device = {8, 0}, .read_bytes = 10, .write_operations = 6},
                                  {.device = {8, 16}, .read_bytes = 5},
                                  {.device = {8, 0}, .read_bytes = 30}};
  const std::vector<IoMax> expected{{.device = {8, 0}, .read_bytes = 20, .write_operations = 6},
                                    {.device = {8, 16}, .read_bytes = 5}};
  EXPECT_EQ(average(limits), expected);
}

}  // namespace
}  // namespace cella::manager
