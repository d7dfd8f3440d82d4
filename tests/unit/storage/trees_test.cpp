// Copying and deleting trees, in a temporary directory and without root.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fstream>

#include "base/files.h"
#include "storage/pool_tree.h"
#include "storage/tree_copy.h"
#include "storage/tree_removal.h"

namespace cella::storage {
namespace {

class TreesTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/cella-trees-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    top_ = *open_dir(directory_);
  }
  void TearDown() override {
    const DirFd parent = *open_dir("/tmp");
    EXPECT_TRUE(remove_deep_tree(parent, directory_.substr(5), {}, {}).ok());
    EXPECT_FALSE(path_exists(directory_));
  }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string directory_;
  DirFd top_;
};

TEST_F(TreesTest, CopiesKeepLinksHolesModesAndTimes) {
  ASSERT_EQ(::mkdir(path("from").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(path("to").c_str(), 0755), 0);
  std::ofstream(path("from/a")) << "text";
  ASSERT_EQ(::link(path("from/a").c_str(), path("from/b").c_str()), 0);
  ASSERT_EQ(::symlink("../outside", path("from/l").c_str()), 0);
  ASSERT_EQ(::mkdir(path("from/d").c_str(), 0750), 0);
  ASSERT_EQ(::mkfifo(path("from/d/f").c_str(), 0600), 0);
  std::ofstream(path("from/hole")) << "";
  ASSERT_EQ(::truncate(path("from/hole").c_str(), 1 << 20), 0);
  ASSERT_EQ(::chmod(path("from/a").c_str(), 04711), 0);
  const timespec times[2] = {{1000, 5}, {2000, 6}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path("from/d").c_str(), times, 0), 0);
  const Result<CopyReport> report = copy_tree(*open_dir(path("from")), *open_dir(path("to")), 0, Watch{});
  ASSERT_TRUE(report.ok()) << report.error().message();
  struct stat a {
  }, b{}, d{}, hole{};
  ASSERT_EQ(::stat(path("to/a").c_str(), &a), 0);
  ASSERT_EQ(::stat(path("to/b").c_str(), &b), 0);
  ASSERT_EQ(::stat(path("to/d").c_str(), &d), 0);
  ASSERT_EQ(::stat(path("to/hole").c_str(), &hole), 0);
  EXPECT_EQ(a.st_ino, b.st_ino);
  EXPECT_EQ(a.st_mode & 07777, 04711u);
  EXPECT_EQ(d.st_mode & 07777, 0750u);
  EXPECT_EQ(d.st_mtim.tv_sec, 2000);
  EXPECT_EQ(hole.st_size, 1 << 20);
  EXPECT_EQ(hole.st_blocks, 0);
  EXPECT_EQ(*read_file(path("to/a")), "text");
  char link[64] = {};
  EXPECT_EQ(::readlink(path("to/l").c_str(), link, sizeof link), 10);
}

TEST_F(TreesTest, RemovesTreesDeeperThanAnyPath) {
  DirFd at = *open_dir(directory_);
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at = *open_dir_at(at, "d");
    EXPECT_EQ(::symlinkat("/etc/passwd", at.get(), "l"), 0);
  }
  const Result<void> removed = remove_deep_tree(top_, "d", {}, {});
  ASSERT_TRUE(removed.ok()) << removed.error().message();
  EXPECT_TRUE(list_names(top_)->empty());
}

TEST_F(TreesTest, RemovalDoesNotFollowLinks) {
  ASSERT_EQ(::mkdir(path("keep").c_str(), 0755), 0);
  std::ofstream(path("keep/file")) << "x";
  ASSERT_EQ(::mkdir(path("gone").c_str(), 0755), 0);
  ASSERT_EQ(::symlink("../keep", path("gone/link").c_str()), 0);
  ASSERT_TRUE(remove_deep_tree(top_, "gone", {}, {}).ok());
  EXPECT_TRUE(path_exists(path("keep/file")));
  ASSERT_TRUE(remove_deep_tree(top_, "never-there", {}, {}).ok());
}

TEST_F(TreesTest, PoolTreeSweepsWhatACrashLeft) {
  ASSERT_EQ(::mkdir(path("pool").c_str(), 0755), 0);
  ASSERT_TRUE(PoolTree::create(path("pool")).ok());
  EXPECT_EQ(PoolTree::create(path("pool")).error().kind(), ErrorKind::kExists);
  ASSERT_EQ(::mkdir(path("pool/staging/half").c_str(), 0755), 0);
  std::ofstream(path("pool/staging/half/file")) << "x";
  ASSERT_EQ(::mkdir(path("pool/trash/old").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(path("pool/volumes/c1").c_str(), 0755), 0);
  const auto tree = PoolTree::open(path("pool"), {});
  ASSERT_TRUE(tree.ok()) << tree.error().message();
  (*tree)->drain();
  EXPECT_TRUE(list_names(*open_dir(path("pool/staging")))->empty());
  EXPECT_TRUE(list_names(*open_dir(path("pool/trash")))->empty());
  EXPECT_EQ(*list_volume_names((*tree)->root(), VolumeKind::kRoot), std::vector<std::string>{"c1"});
  EXPECT_EQ(PoolTree::open(directory_, {}).error().kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace cella::storage
