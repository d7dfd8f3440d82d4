#include "manager/instance_id_maps.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace cella::manager {
namespace {

TEST(RawIdMap, ReadsLinesOfBothUsersAndGroups) {
  const auto raw = parse_raw_idmap("raw.idmap", "both 1000 1000\nuid 50-60 500-510\n\n gid 7 8 ");
  ASSERT_TRUE(raw.ok()) << raw.error().message();
  EXPECT_EQ(*raw, (std::vector<RawIds>{{true, true, {1000, 1000, 1}}, {true, false, {500, 50, 11}}, {false, true, {8, 7, 1}}}));
}

TEST(RawIdMap, RefusesWhatIsNoneAndNamesIt) {
  for (const char* bad : {"1000 1000", "all 1 1", "both 1-2 1", "both 0 0", "uid a 1", "uid 5-4 5-4", "uid 1 4294967295"}) {
    const auto raw = parse_raw_idmap("raw.idmap", bad);
    ASSERT_FALSE(raw.ok()) << bad;
    EXPECT_NE(raw.error().message().find("raw.idmap"), std::string::npos);
  }
}

TEST(RawIdMap, PutsHostIdsIntoTheRange) {
  const auto map = instance_id_map(1000000, 65536, *parse_raw_idmap("raw.idmap", "both 1000 1000\nuid 33 0"));
  ASSERT_TRUE(map.ok()) << map.error().message();
  EXPECT_EQ(map->users(), (std::vector<IdRange>{{0, 33, 1}, {1, 1000001, 999}, {1000, 1000, 1}, {1001, 1001001, 64535}}));
  EXPECT_EQ(map->groups(), (std::vector<IdRange>{{0, 1000000, 1000}, {1000, 1000, 1}, {1001, 1001001, 64535}}));
}

TEST(RawIdMap, RefusesOneIdTwice) {
  EXPECT_FALSE(instance_id_map(1000000, 65536, *parse_raw_idmap("raw.idmap", "uid 5 7\nuid 6 7")).ok());
  EXPECT_FALSE(instance_id_map(1000000, 65536, *parse_raw_idmap("raw.idmap", "uid 5 7\nuid 5 8")).ok());
}

TEST(RawIdMap, KeepsOffTheRangesOfInstances) {
  const std::vector<IdWindow> windows{{1000000, 1000}};
  EXPECT_TRUE(check_raw_idmap(*parse_raw_idmap("raw.idmap", "uid 999999 1\nuid 1001000 2"), windows).ok());
  EXPECT_FALSE(check_raw_idmap(*parse_raw_idmap("raw.idmap", "uid 1000999 1"), windows).ok());
  EXPECT_FALSE(check_raw_idmap(*parse_raw_idmap("raw.idmap", "gid 999990-1000000 0-10"), windows).ok());
}

TEST(IdMapOfProcess, IsWhatTheKernelSays) {
  const auto map = id_map_of_process(::getpid());
  ASSERT_TRUE(map.ok()) << map.error().message();
  EXPECT_TRUE(map->user_to_host(ContainerId{0}).has_value());
  EXPECT_FALSE(id_map_of_process(1 << 29).ok());
}

}  // namespace
}  // namespace cella::manager
