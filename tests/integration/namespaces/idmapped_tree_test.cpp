// Id-mapped copies of mounts by both kernel interfaces.
#include "namespaces/idmapped_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/files.h"
#include "base/syscalls.h"
#include "tests/support/user_namespace.h"

namespace cella::namespaces {
namespace {

class IdmappedTree : public ::testing::TestWithParam<TreeMethod> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char name[] = "/var/tmp/cella-tree-XXXXXX";
    path_ = ::mkdtemp(name);
    ASSERT_TRUE(write_all(*open_path(path_ + "/file", O_WRONLY | O_CREAT, 0644), "x").ok());
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_TRUE(remove_tree_at(*open_dir("/var/tmp"), path_.substr(9)).ok());
  }
  std::string path_;
};

TEST_P(IdmappedTree, ShowsIdsThroughTheUserNamespace) {
  const auto user_namespace = cella::test::make_user_namespace();
  ASSERT_TRUE(user_namespace.ok()) << user_namespace.error().message();
  const auto tree = open_path(path_, O_PATH | O_DIRECTORY);
  const auto copy = copy_tree(*tree, {.user_namespace = &*user_namespace, .method = GetParam()}, path_);
  ASSERT_TRUE(copy.ok()) << copy.error().message();
  struct stat status {};
  ASSERT_EQ(::fstatat(copy->get(), "file", &status, 0), 0);
  EXPECT_EQ(status.st_uid, 1000000u);
  ASSERT_EQ(::stat((path_ + "/file").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0u);
}

TEST_P(IdmappedTree, SetsAttributes) {
  const auto tree = open_path(path_, O_PATH | O_DIRECTORY);
  const auto copy = copy_tree(*tree, {.attributes = MOUNT_ATTR_RDONLY, .method = GetParam()}, path_);
  ASSERT_TRUE(copy.ok()) << copy.error().message();
  EXPECT_EQ(::openat(copy->get(), "new", O_WRONLY | O_CREAT, 0644), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_P(IdmappedTree, NamesAFileSystemThatCannotBeMapped) {
  const auto user_namespace = cella::test::make_user_namespace();
  const auto proc = open_path("/proc", O_PATH | O_DIRECTORY);
  const auto copy = copy_tree(*proc, {.user_namespace = &*user_namespace, .method = GetParam()}, "/proc");
  ASSERT_FALSE(copy.ok());
  EXPECT_EQ(copy.error().kind(), ErrorKind::kUnsupported);
  EXPECT_NE(copy.error().what().find("/proc"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Methods, IdmappedTree, ::testing::Values(TreeMethod::kFused, TreeMethod::kSeparate),
                         [](const auto& test) {
                           return test.param == TreeMethod::kFused ? std::string("Fused") : std::string("Separate");
                         });

}  // namespace
}  // namespace cella::namespaces
