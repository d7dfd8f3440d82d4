#include "manager/pool_config.h"

#include <gtest/gtest.h>

namespace cella::manager {
namespace {

using storage::DriverType;

TEST(PoolName, IsChecked) {
  for (const char* good : {"default", "p-2", "a.b"}) EXPECT_TRUE(check_pool_name(good).ok()) << good;
  for (const char* bad : {"", ".", "..", "a/b", "a b", "-a", "a\n", "a:b"})
    EXPECT_FALSE(check_pool_name(bad).ok()) << bad;
}

TEST(PoolConfig, KeysBelongToDrivers) {
  EXPECT_TRUE(check_pool_config(DriverType::kBtrfs, {{"size", "5GiB"},
                                                     {"btrfs.mount_options", "noatime,compress=zstd"},
                                                     {"source", "/dev/sdb"},
                                                     {"source.wipe", "true"},
                                                     {"user.x", "y"},
                                                     {"volume.size", "1GiB"}})
                  .ok());
  EXPECT_TRUE(check_pool_config(DriverType::kOverlay, {{"source", "/srv/pool"}}).ok());
  const struct {
    DriverType driver;
    const char* key;
    const char* value;
  } bad[] = {
      {DriverType::kDir, "size", "5GiB"},
      {DriverType::kOverlay, "btrfs.mount_options", "noatime"},
      {DriverType::kBtrfs, "size", "much"},
      {DriverType::kBtrfs, "source.wipe", "perhaps"},
      {DriverType::kBtrfs, "source", "relative"},
      {DriverType::kBtrfs, "btrfs.mount_options", "a b"},
      {DriverType::kDir, "source", "/a/../b"},
      {DriverType::kDir, "nonsense", "1"},
      {DriverType::kDir, "user.", "1"},
      {DriverType::kDir, "user.x", "a\nb"},
      {DriverType::kOverlay, "volume.size", "much"},
      {DriverType::kOverlay, "volume.colour", "red"},
      {DriverType::kDir, "rsync.bwlimit", "10MB"},
  };
  for (const auto& entry : bad) {
    const Result<void> checked = check_pool_config(entry.driver, {{entry.key, entry.value}});
    ASSERT_FALSE(checked.ok()) << entry.key;
    EXPECT_NE(checked.error().message().find(entry.key), std::string::npos) << checked.error().message();
  }
}

TEST(PoolConfig, FixedKeysStay) {
  const Config before{{"source", "/a"}, {"size", "5GiB"}};
  EXPECT_TRUE(check_pool_change(before, {{"source", "/a"}, {"size", "5GiB"}, {"user.x", "y"}}).ok());
  EXPECT_FALSE(check_pool_change(before, {{"source", "/b"}, {"size", "5GiB"}}).ok());
  EXPECT_FALSE(check_pool_change(before, {{"source", "/a"}, {"source.wipe", "true"}}).ok());
}

TEST(PoolConfig, IsCompletedWithItsSource) {
  EXPECT_EQ(complete_pool_config(DriverType::kOverlay, "p", {}, "/tmp")->at("source"), "/tmp/storage-pools/p");
  const Result<Config> btrfs = complete_pool_config(DriverType::kBtrfs, "p", {{"size", "1GiB"}}, "/tmp");
  ASSERT_TRUE(btrfs.ok());
  EXPECT_EQ(btrfs->at("source"), "/tmp/disks/p.img");
  EXPECT_EQ(pool_spec(DriverType::kBtrfs, "p", *btrfs, "/tmp").size.value, 1ull << 30);
  EXPECT_EQ(pool_spec(DriverType::kBtrfs, "p", *btrfs, "/tmp").directory, "/tmp/storage-pools/p");
  EXPECT_FALSE(complete_pool_config(DriverType::kDir, "p", {{"source", "/no/such/place"}}, "/tmp").ok());
  EXPECT_FALSE(complete_pool_config(DriverType::kBtrfs, "p", {{"source", "/no/such/place"}}, "/tmp").ok());
  EXPECT_FALSE(
      complete_pool_config(DriverType::kBtrfs, "p", {{"source", "/dev/no-such"}, {"size", "1GiB"}}, "/tmp").ok());
  EXPECT_TRUE(
      complete_pool_config(DriverType::kBtrfs, "p", {{"source", "/tmp/new.img"}, {"size", "1GiB"}}, "/tmp").ok());
}

}  // namespace
}  // namespace cella::manager
