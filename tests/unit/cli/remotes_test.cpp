#include "cli/remotes.h"

#include <gtest/gtest.h>

namespace cella::cli {
namespace {

TEST(RemotesFile, NothingIsTheLocalServer) {
  const auto file = parse_remotes("");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->default_remote, "local");
  EXPECT_EQ(file->remotes.at("local").addr, "unix://");
  EXPECT_TRUE(file->remotes.at("local").is_static);
}

TEST(RemotesFile, IsReadBack) {
  RemotesFile file = *parse_remotes("");
  file.remotes["box"] = {.addr = "https://192.0.2.1:8443", .project = "web", .is_public = true};
  file.default_remote = "box";
  file.aliases["ll"] = "list -c ns";
  const auto read = parse_remotes(format_remotes(file));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->default_remote, "box");
  EXPECT_EQ(read->remotes, file.remotes);
  EXPECT_EQ(read->aliases, file.aliases);
}

TEST(RemotesFile, OfTheStockClientIsRead) {
  const auto file = parse_remotes(
      "default-remote: r\nremotes:\n  r:\n    addr: https://10.0.0.1:8443\n    auth_type: tls\n    project: default\n"
      "    protocol: lxd\n    public: false\naliases: {}\n");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->remotes.at("r").addr, "https://10.0.0.1:8443");
}

TEST(RemotesFile, RefusesADefaultThatIsNotThere) {
  EXPECT_FALSE(parse_remotes("default-remote: nowhere\n").ok());
  EXPECT_FALSE(parse_remotes("[1, 2]").ok());
  EXPECT_FALSE(parse_remotes("remotes: {a: [").ok());
}

TEST(HttpsUrl, IsCompleted) {
  EXPECT_EQ(*https_url_of("192.0.2.1"), "https://192.0.2.1:8443");
  EXPECT_EQ(*https_url_of("box.example:99"), "https://box.example:99");
  EXPECT_EQ(*https_url_of("::1"), "https://[::1]:8443");
  EXPECT_EQ(*https_url_of("[::1]:99"), "https://[::1]:99");
  EXPECT_EQ(*https_url_of("https://box/"), "https://box:8443");
}

TEST(HttpsUrl, RefusesWhatIsNone) {
  for (const char* text : {"http://box", "https://", "box:0", "box:65536", "box:x", "[::1", "[::1]x"}) {
    EXPECT_FALSE(https_url_of(text).ok()) << text;
  }
}

TEST(RemoteWord, OnlyKnownRemotesAreTakenOff) {
  RemotesFile file = *parse_remotes("");
  file.remotes["r"] = {.addr = "https://192.0.2.1:8443"};
  ASSERT_TRUE(split_remote(file, "r:c1").has_value());
  EXPECT_EQ(split_remote(file, "r:c1")->rest, "c1");
  EXPECT_EQ(split_remote(file, "local:")->rest, "");
  EXPECT_FALSE(split_remote(file, "x:c1").has_value());
  EXPECT_FALSE(split_remote(file, "c1").has_value());
}

}  // namespace
}  // namespace cella::cli
