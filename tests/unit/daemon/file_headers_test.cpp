#include "daemon/file_headers.h"

#include <gtest/gtest.h>

namespace cella::daemon {
namespace {

Request with(Headers headers) {
  Request request;
  request.headers = std::move(headers);
  return request;
}

TEST(FileHeaders, AreRead) {
  const auto upload = parse_file_headers(with({{"x-lxd-uid", "1000"},
                                               {"X-LXD-gid", "0"},
                                               {"X-LXD-mode", "0640"},
                                               {"X-LXD-type", "directory"},
                                               {"X-LXD-write", "append"}}));
  ASSERT_TRUE(upload.ok());
  EXPECT_EQ(upload->ownership.user, 1000u);
  EXPECT_EQ(upload->ownership.group, 0u);
  EXPECT_EQ(upload->ownership.mode, 0640u);
  EXPECT_EQ(upload->kind, manager::FileKind::kDirectory);
  EXPECT_EQ(upload->write, manager::FileWrite::kAppend);
}

TEST(FileHeaders, AbsentOnesChangeNothing) {
  const auto upload = parse_file_headers(with({{"X-LXD-uid", "-1"}}));
  ASSERT_TRUE(upload.ok());
  EXPECT_FALSE(upload->ownership.user || upload->ownership.group || upload->ownership.mode);
  EXPECT_EQ(upload->kind, manager::FileKind::kFile);
  EXPECT_EQ(upload->write, manager::FileWrite::kReplace);
}

TEST(FileHeaders, BadOnesAreNamed) {
  for (const auto& [name, value] : Headers{{"X-LXD-uid", "4294967295"},
                                           {"X-LXD-gid", "x"},
                                           {"X-LXD-mode", "10000"},
                                           {"X-LXD-mode", "8"},
                                           {"X-LXD-mode", "-1"},
                                           {"X-LXD-type", "fifo"},
                                           {"X-LXD-write", "twice"}}) {
    const auto upload = parse_file_headers(with({{name, value}}));
    ASSERT_FALSE(upload.ok()) << name << "=" << value;
    EXPECT_EQ(upload.error().kind(), ErrorKind::kInvalid);
    EXPECT_NE(upload.error().what().find(name), std::string::npos) << upload.error().what();
  }
}

TEST(FileHeaders, AreWrittenAsLxdDoes) {
  manager::FileFacts facts;
  facts.kind = manager::FileKind::kSymlink;
  facts.mode = 0777;
  facts.modified = manager::Timestamp(std::chrono::seconds(1795411341));
  Request answer;
  answer.headers = file_headers(facts);
  EXPECT_EQ(answer.header("X-LXD-type"), "symlink");
  EXPECT_EQ(answer.header("X-LXD-mode"), "0777");
  EXPECT_EQ(answer.header("X-LXD-modified"), "2026-11-23 05:22:21 +0000 UTC");
  EXPECT_EQ(answer.header("Last-Modified"), "Mon, 23 Nov 2026 05:22:21 GMT");
}

TEST(AbsoluteTarget, StartsAtTheLinksDirectory) {
  EXPECT_EQ(absolute_target("/tmp/dd/sub/l", "y"), "/tmp/dd/sub/y");
  EXPECT_EQ(absolute_target("/tmp/l", "../../../etc/./x"), "/etc/x");
  EXPECT_EQ(absolute_target("/tmp/l", "/bin/../sh"), "/bin/../sh");
  EXPECT_EQ(absolute_target("/l", ".."), "/");
}

}  // namespace
}  // namespace cella::daemon
