#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"
#include "storage/sftp_server.h"

namespace cella::storage {
namespace {

// A directory with a file outside of it, served.
class Sftp : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "sftp-XXXXXX";
    base_ = ::mkdtemp(pattern.data());
    ASSERT_TRUE(make_dirs(base_ + "/root/etc", 0755).ok());
    write(base_ + "/secret", "outside");
    root_ = *open_path(base_ + "/root", O_PATH | O_DIRECTORY);
  }
  void TearDown() override {
    const Fd parent = *open_path(::testing::TempDir(), O_RDONLY | O_DIRECTORY);
    EXPECT_TRUE(remove_tree_at(parent, base_.substr(base_.rfind('/') + 1)).ok());
  }
  static void write(const std::string& path, std::string_view text) {
    ASSERT_TRUE(write_all(*open_path(path, O_WRONLY | O_CREAT | O_TRUNC, 0644), text).ok());
  }
  // The answer's type and content.
  std::pair<SftpType, std::string> ask(SftpWriter& request) {
    const std::string packet = request.take();
    const auto answer = server_->answer(std::string_view(packet).substr(4));
    EXPECT_TRUE(answer.ok());
    return {static_cast<SftpType>((*answer)[4]), answer->size() > 9 ? answer->substr(9) : ""};
  }
  SftpStatus status_of(SftpWriter& request) {
    const auto [type, content] = ask(request);
    if (type != SftpType::kStatus) return SftpStatus::kOk;
    SftpReader reader(content);
    return static_cast<SftpStatus>(*reader.u32());
  }
  std::string open(const std::string& path, std::uint32_t flags) {
    SftpWriter request(SftpType::kOpen);
    const auto [type, content] = ask(request.u32(1).text(path).u32(flags).attributes({}));
    if (type != SftpType::kHandle) return "";
    return std::string(*SftpReader(content).text());
  }

  std::string base_;
  Fd root_;
  std::optional<SftpServer> server_{std::in_place, root_};
};

TEST_F(Sftp, WritesAndReadsBack) {
  const std::string handle = open("/etc/motd", kSftpWrite | kSftpCreate);
  ASSERT_NE(handle, "");
  SftpWriter put(SftpType::kWrite);
  EXPECT_EQ(status_of(put.u32(2).text(handle).u64(0).text("hello")), SftpStatus::kOk);
  EXPECT_EQ(*read_file(base_ + "/root/etc/motd"), "hello");
  const std::string reading = open("etc/../etc/motd", kSftpRead);
  SftpWriter get(SftpType::kRead);
  const auto [type, content] = ask(get.u32(3).text(reading).u64(1).u32(100));
  ASSERT_EQ(type, SftpType::kBytes);
  EXPECT_EQ(*SftpReader(content).text(), "ello");
  SftpWriter past(SftpType::kRead);
  EXPECT_EQ(status_of(past.u32(4).text(reading).u64(5).u32(1)), SftpStatus::kEndOfFile);
}

TEST_F(Sftp, NoPathLeadsOutOfTheRoot) {
  ASSERT_EQ(::symlink("../../secret", (base_ + "/root/etc/up").c_str()), 0);
  ASSERT_EQ(::symlink((base_ + "/secret").c_str(), (base_ + "/root/etc/absolute").c_str()), 0);
  ASSERT_EQ(::symlink("../..", (base_ + "/root/etc/parent").c_str()), 0);
  for (const char* path : {"/etc/up", "/etc/absolute", "../secret", "/../secret", "/etc/parent/secret"})
    EXPECT_EQ(open(path, kSftpRead), "") << path;
  SftpWriter made(SftpType::kMkdir);
  EXPECT_EQ(status_of(made.u32(1).text("/etc/parent/made").attributes({})), SftpStatus::kOk);
  EXPECT_TRUE(path_exists(base_ + "/root/made"));
  for (const char* path : {"/..", "/etc/..", ".", "/"}) {
    SftpWriter removed(SftpType::kRmdir);
    EXPECT_NE(status_of(removed.u32(1).text(path)), SftpStatus::kOk) << path;
  }
  EXPECT_EQ(*read_file(base_ + "/secret"), "outside");
}

TEST_F(Sftp, OpensNeitherFifosNorDirectories) {
  ASSERT_EQ(::mkfifo((base_ + "/root/fifo").c_str(), 0600), 0);
  EXPECT_EQ(open("/fifo", kSftpRead), "");
  EXPECT_EQ(open("/fifo", kSftpWrite), "");
  EXPECT_EQ(open("/etc", kSftpRead), "");
}

TEST_F(Sftp, FailuresTellTheErrno) {
  SftpWriter request(SftpType::kOpendir);
  const auto [type, content] = ask(request.u32(1).text("/none"));
  ASSERT_EQ(type, SftpType::kStatus);
  SftpReader reader(content);
  EXPECT_EQ(*reader.u32(), static_cast<std::uint32_t>(SftpStatus::kNoSuchFile));
  ASSERT_TRUE(reader.text().ok());
  EXPECT_EQ(*reader.text(), "x-errno-2");
}

TEST_F(Sftp, ListsWithOddNames) {
  const std::string odd = "a b\n\"\xff";
  write(base_ + "/root/etc/" + odd, "");
  SftpWriter request(SftpType::kOpendir);
  const auto [type, content] = ask(request.u32(1).text("/etc"));
  ASSERT_EQ(type, SftpType::kHandle);
  const std::string handle(*SftpReader(content).text());
  SftpWriter names(SftpType::kReaddir);
  const auto [kind, listed] = ask(names.u32(2).text(handle));
  ASSERT_EQ(kind, SftpType::kName);
  SftpReader reader(listed);
  EXPECT_EQ(*reader.u32(), 1u);
  EXPECT_EQ(*reader.text(), odd);
  SftpWriter more(SftpType::kReaddir);
  EXPECT_EQ(status_of(more.u32(3).text(handle)), SftpStatus::kEndOfFile);
}

TEST_F(Sftp, ShortPacketsAreRefused) {
  EXPECT_FALSE(server_->answer("").ok());
  EXPECT_FALSE(server_->answer("\x03\x00").ok());
  const std::string open_packet("\x03\0\0\0\1\0\0\0\xff/etc", 13);
  const auto answer = server_->answer(open_packet);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(static_cast<SftpType>((*answer)[4]), SftpType::kStatus);
}

TEST(CleanPath, IsAbsoluteAndPlain) {
  EXPECT_EQ(clean_path(""), "/");
  EXPECT_EQ(clean_path("a//b/./c/.."), "/a/b");
  EXPECT_EQ(clean_path("/../../x/"), "/x");
}

}  // namespace
}  // namespace cella::storage
