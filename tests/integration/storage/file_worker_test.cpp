#include "storage/file_worker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <thread>

#include "base/files.h"
#include "storage/id_mapped.h"
#include "storage/sftp_client.h"

namespace cella::storage {
namespace {

class FileWorkerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    std::string pattern = "/var/tmp/cella-fw-XXXXXX";
    base_ = ::mkdtemp(pattern.data());
    ASSERT_TRUE(make_dirs(base_ + "/root/etc", 0755).ok());
    ASSERT_TRUE(write_all(*open_path(base_ + "/secret", O_WRONLY | O_CREAT, 0644), "outside").ok());
    directory_ = *open_path(base_ + "/root", O_RDONLY | O_DIRECTORY);
    auto mounted = open_mapped_tree(directory_, ".", map_, MountAccess::kReadWrite);
    if (!mounted.ok() && mounted.error().kind() == ErrorKind::kUnsupported) GTEST_SKIP() << mounted.error().message();
    ASSERT_TRUE(mounted.ok()) << mounted.error().message();
    root_ = std::move(*mounted);
    user_namespace_ = *user_namespace_for(map_);
  }
  void TearDown() override {
    if (base_.empty()) return;
    root_.reset();
    EXPECT_TRUE(remove_tree_at(*open_path("/var/tmp", O_RDONLY | O_DIRECTORY), base_.substr(9)).ok());
  }
  Result<FileWorker> start() {
    FileWorkerTarget target;
    target.root = &root_;
    target.user_namespace = &user_namespace_;
    return FileWorker::start(target);
  }

  std::string base_;
  IdMap map_ = *IdMap::isolated(1'900'000'000);
  Fd directory_;
  Fd root_;
  Fd user_namespace_;
};

TEST_F(FileWorkerTest, WritesWithTheTreesOwnIds) {
  auto worker = start();
  ASSERT_TRUE(worker.ok()) << worker.error().message();
  auto client = SftpClient::open(*worker->open_session());
  ASSERT_TRUE(client.ok()) << client.error().message();
  const auto handle = client->open_file("/etc/new", kSftpWrite | kSftpCreate, 0640);
  ASSERT_TRUE(handle.ok()) << handle.error().message();
  const std::string text(600 << 10, 'x');
  ASSERT_TRUE(client->write(*handle, 0, text).ok());
  SftpAttributes owner;
  owner.owner = SftpOwner{1000, 7};
  ASSERT_TRUE(client->set(*handle, owner, "/etc/new").ok());
  ASSERT_TRUE(client->close(*handle).ok());
  struct stat facts {};
  ASSERT_EQ(::stat((base_ + "/root/etc/new").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_uid, 1000u);  // on disk ids start at 0
  EXPECT_EQ(facts.st_gid, 7u);
  EXPECT_EQ(facts.st_mode & 07777, 0640u);
  EXPECT_EQ(facts.st_size, static_cast<off_t>(text.size()));
  EXPECT_EQ(*client->list("/etc"), std::vector<std::string>{"new"});
  const auto none = client->lstat("/etc/none");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind(), ErrorKind::kNotFound);
}

TEST_F(FileWorkerTest, ServesSeveralSessionsAtOnce) {
  auto worker = start();
  ASSERT_TRUE(worker.ok()) << worker.error().message();
  auto first = SftpClient::open(*worker->open_session());
  auto second = SftpClient::open(*worker->open_session());
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_TRUE(first->make_directory("/a", 0700).ok());
  EXPECT_TRUE(second->stat("/a").ok());
}

TEST_F(FileWorkerTest, OutlivesTheThreadThatStartedIt) {
  std::optional<Result<FileWorker>> worker;
  std::thread([&] { worker.emplace(start()); }).join();
  ASSERT_TRUE(worker->ok()) << worker->error().message();
  for (int i = 0; i < 20; ++i) {
    auto session = (*worker)->open_session();
    ASSERT_TRUE(session.ok());
    auto client = SftpClient::open(std::move(*session));
    ASSERT_TRUE(client.ok()) << client.error().message();
    ASSERT_TRUE(client->stat("/etc").ok());
  }
}

TEST_F(FileWorkerTest, LinksLeadNowhereElse) {
  ASSERT_EQ(::symlink((base_ + "/secret").c_str(), (base_ + "/root/link").c_str()), 0);
  auto worker = start();
  ASSERT_TRUE(worker.ok()) << worker.error().message();
  auto client = SftpClient::open(*worker->open_session());
  ASSERT_TRUE(client.ok());
  EXPECT_FALSE(client->open_file("/link", kSftpRead, 0).ok());
  EXPECT_EQ(*client->read_link("/link"), base_ + "/secret");
}

TEST_F(FileWorkerTest, EndsWithItsOwnerAndLeavesNoMount) {
  const auto children = [] {
    std::ifstream file("/proc/thread-self/children");
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string before = children();
  {
    auto worker = start();
    ASSERT_TRUE(worker.ok()) << worker.error().message();
    auto session = worker->open_session();
    ASSERT_TRUE(session.ok());
    EXPECT_NE(children(), before);
  }
  EXPECT_EQ(children(), before);
}

}  // namespace
}  // namespace cella::storage
