// What the storage root tests share: a private mount namespace, temporary places, small images, and looking at a mount
// as a container would.
#pragma once

#include <gtest/gtest.h>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/id_map.h"
#include "storage/driver.h"

namespace cella::storage {

// Skips the test when not root; gives it a directory that is removed at the end.
class StorageTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
};

// Shell command for building fixtures; fails the test when it fails.
void shell(const std::string& command);

// A small root file system with owners, a setuid file, a file capability, an ACL, a hard link, a hole, a symbolic link
// and user.* attributes.
// The ACL of home/user/file: user 1001 may read.
std::string sample_acl();
void make_sample_tree(const std::string& directory);
inline constexpr const char* kSampleMetadata =
    "architecture: x86_64\ncreation_date: 1700000000\nproperties:\n  os: Sample\n  description: Sample image\n";

// Builds a unified tarball; compression: "", "gz", "xz", "zst", "bz2". Returns its path.
std::string make_unified(const std::string& directory, const std::string& compression);
struct SplitImage {
  std::string metadata;
  std::string rootfs;
};
// rootfs: "squashfs", "erofs" or "tar".
SplitImage make_split(const std::string& directory, const std::string& rootfs);

// Runs `look` in a child that is root of the map's user namespace with the mount as its root directory. The child
// reports by returning an empty string, or what is wrong; that is the result here.
std::string look_as_container(const Fd& mount, const IdMap& map, const std::function<std::string()>& look);

// Lines of the host's mount table (process 1) that contain the text.
std::vector<std::string> host_mounts_with(const std::string& text);

// Loop devices whose file's path contains the text.
std::vector<std::string> loops_with(const std::string& text);

IdMap map_at(std::uint32_t first);

template <typename T>
testing::AssertionResult succeeded(const Result<T>& result) {
  if (result.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().message();
}
#define ASSERT_OK(...) ASSERT_TRUE(succeeded(__VA_ARGS__))
#define EXPECT_OK(...) EXPECT_TRUE(succeeded(__VA_ARGS__))

}  // namespace cella::storage
