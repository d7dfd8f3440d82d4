#include "manager/instance_refresh.h"

#include <gtest/gtest.h>

#include "manager/image_policy.h"

namespace cella::manager {
namespace {

SnapshotRecord at(const std::string& name, int milliseconds) {
  SnapshotRecord snapshot;
  snapshot.name = name;
  snapshot.created_at = Timestamp(std::chrono::milliseconds(milliseconds));
  return snapshot;
}

TEST(CompareSnapshots, OnlyWhatIsMissingAndWhatIsGone) {
  const auto changes = compare_snapshots({at("s1", 1000), at("s2", 2000), at("s3", 3000)},
                                         {at("s0", 500), at("s1", 1400), at("s2", 7000)});
  ASSERT_EQ(changes.missing.size(), 2u);
  EXPECT_EQ(changes.missing[0].name, "s2") << "another moment, another snapshot";
  EXPECT_EQ(changes.missing[1].name, "s3");
  EXPECT_EQ(changes.stale, (std::vector<std::string>{"s0", "s2"}));
}

TEST(ImagePolicy, KeysAreCheckedAndRead) {
  EXPECT_TRUE(*check_image_key("images.auto_update_cached", "false"));
  EXPECT_FALSE(*check_image_key("images.default_architecture", "x"));
  for (const auto& [key, value] : {std::pair{"images.auto_update_cached", "perhaps"},
                                   {"images.auto_update_interval", "-1"},
                                   {"images.remote_cache_expiry", "1d"}}) {
    EXPECT_EQ(check_image_key(key, value).error().kind(), ErrorKind::kInvalid) << key;
  }
  const ImagePolicy policy = image_policy({{"images.auto_update_interval", "0"}, {"images.remote_cache_expiry", "3"}});
  EXPECT_TRUE(policy.update_cached);
  EXPECT_EQ(policy.update_interval.count(), 0);
  EXPECT_EQ(policy.cache_expiry.count(), 3);
}

}  // namespace
}  // namespace cella::manager
