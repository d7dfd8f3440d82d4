#include "base/files.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/rooted.h"
#include "base/seqpacket.h"
#include "base/spawn.h"

namespace cella {
namespace {

class TempTree : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/cella-files-XXXXXX";
    path_ = ::mkdtemp(pattern);
    dir_ = *open_dir(path_);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }
  std::string path_;
  DirFd dir_;
};

TEST_F(TempTree, ReplacesAFileWhole) {
  ASSERT_TRUE(replace_file_at(dir_, "a", "one", 0600).ok());
  ASSERT_TRUE(replace_file_at(dir_, "a", "two", 0600).ok());
  EXPECT_EQ(*read_file_at(dir_, "a"), "two");
  EXPECT_FALSE(exists_at(dir_, "a.new"));
}

TEST_F(TempTree, RefusesAFileLargerThanAsked) {
  ASSERT_TRUE(replace_file_at(dir_, "a", std::string(100, 'x'), 0600).ok());
  const auto read = read_file_at(dir_, "a", 99);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind(), ErrorKind::kNoSpace);
}

TEST_F(TempTree, RemovesATreeWithoutFollowingLinks) {
  ASSERT_TRUE(make_dirs(path_ + "/keep", 0755).ok());
  ASSERT_TRUE(make_dirs(path_ + "/gone/deep", 0755).ok());
  ASSERT_EQ(::symlink((path_ + "/keep").c_str(), (path_ + "/gone/link").c_str()), 0);
  ASSERT_TRUE(remove_tree_at(dir_, "gone").ok());
  EXPECT_FALSE(exists_at(dir_, "gone"));
  EXPECT_TRUE(exists_at(dir_, "keep"));
  EXPECT_TRUE(remove_tree_at(dir_, "gone").ok());
}

TEST_F(TempTree, RootedOpenNeverLeavesTheRoot) {
  ASSERT_TRUE(make_dirs(path_ + "/root/etc", 0755).ok());
  ASSERT_EQ(::symlink("/etc", (path_ + "/root/abs").c_str()), 0);
  ASSERT_EQ(::symlink("../../../../../etc", (path_ + "/root/up").c_str()), 0);
  ASSERT_TRUE(replace_file_at(*open_dir(path_ + "/root/etc"), "passwd", "inside", 0644).ok());
  const DirFd root = *open_dir(path_ + "/root");
  for (const char* name : {"abs/passwd", "up/passwd", "/etc/passwd", "../../etc/passwd"}) {
    const auto fd = open_in_root(root, name, O_RDONLY);
    ASSERT_TRUE(fd.ok()) << name;
    EXPECT_EQ(*read_to_end(*fd), "inside") << name;
  }
  EXPECT_FALSE(open_beneath(root, "abs/passwd", O_RDONLY).ok());
  EXPECT_FALSE(open_beneath(root, "../root", O_RDONLY).ok());
}

TEST_F(TempTree, MakesDirectoriesInsideTheRootThroughItsLinks) {
  ASSERT_TRUE(make_dirs(path_ + "/root/real", 0755).ok());
  ASSERT_EQ(::symlink("/real", (path_ + "/root/link").c_str()), 0);
  const DirFd root = *open_dir(path_ + "/root");
  ASSERT_TRUE(make_dirs_in_root(root, "/link/a/b", {.mode = 0700, .uid = ::getuid(), .gid = ::getgid()}).ok());
  EXPECT_TRUE(path_exists(path_ + "/root/real/a/b"));
  EXPECT_FALSE(make_dirs_in_root(root, "a/../../b", {}).ok());
}

TEST(Seqpacket, CarriesBytesAndDescriptors) {
  auto pair = make_seqpacket_pair();
  ASSERT_TRUE(pair.ok());
  auto pipe = make_pipe();
  const int sent[] = {pipe->write_end.get()};
  ASSERT_TRUE(send_datagram(pair->first, "hello", sent).ok());
  auto got = receive_datagram(pair->second, 100);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->bytes, "hello");
  ASSERT_EQ(got->descriptors.size(), 1u);
  ASSERT_TRUE(write_all(got->descriptors[0], "through").ok());
  got->descriptors.clear();
  pipe->write_end.reset();
  EXPECT_EQ(*read_to_end(pipe->read_end), "through");
}

TEST(Seqpacket, RefusesAMessageLongerThanAsked) {
  auto pair = make_seqpacket_pair();
  ASSERT_TRUE(send_datagram(pair->first, "hello").ok());
  EXPECT_EQ(receive_datagram(pair->second, 4).error().kind(), ErrorKind::kInvalid);
}

TEST(Spawn, GivesOutputAndStatus) {
  const auto output = run_checked({.path = "cat"}, "text in");
  ASSERT_TRUE(output.ok()) << output.error().message();
  EXPECT_EQ(*output, "text in");
}

TEST(Spawn, NamesTheProgramAndItsLastWords) {
  const auto failed = run_checked({.path = "sh", .arguments = {"-c", "echo first >&2; echo last >&2; exit 3"}});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message(), "sh failed with exit status 3: last");
  EXPECT_EQ(spawn({.path = "no-such-program"}).error().kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace cella
