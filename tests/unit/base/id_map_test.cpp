#include "base/id_map.h"

#include <gtest/gtest.h>

namespace cella {
namespace {

TEST(IdMap, WritesOneLinePerRange) {
  const auto map = IdMap::isolated(1000000);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->users_text(), "0 1000000 65536\n");
}

TEST(IdMap, TranslatesIdsAndRefusesUnmappedOnes) {
  const auto map = IdMap::parse("idmap", "0:1000000:10,1000:5000:1");
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->user_to_host(ContainerId{9})->value, 1000009u);
  EXPECT_EQ(map->user_to_host(ContainerId{1000})->value, 5000u);
  EXPECT_FALSE(map->user_to_host(ContainerId{10}).has_value());
}

TEST(IdMap, RefusesOverlapEmptyAndOverflow) {
  for (const char* bad : {"0:1000:10,5:9000:10", "0:1000:10,20:1005:10", "0:1000:0", "0:4294967290:10", "a:b:c", "1:2",
                          "", "0:1000:10,"}) {
    const auto map = IdMap::parse("raw.idmap", bad);
    ASSERT_FALSE(map.ok()) << bad;
    EXPECT_EQ(map.error().kind(), ErrorKind::kInvalid) << bad;
  }
}

}  // namespace
}  // namespace cella
