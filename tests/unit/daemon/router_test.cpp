#include "daemon/router.h"

#include <gtest/gtest.h>

namespace cella::daemon {
namespace {

Handler answering(const std::string& text) {
  return [text](const Request&) -> Result<Reply> {
    Reply reply;
    reply.body = text;
    return reply;
  };
}

std::string answer_of(const Router::Match& match) {
  const Result<Reply> reply = std::get<Handler>(*match.handler)(Request());
  return reply->body;
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router_.add("GET", "/", answering("root"));
    router_.add("GET", "/1.0", answering("server"));
    router_.add("GET", "/1.0/images/{fingerprint}", answering("image"));
    router_.add("GET", "/1.0/images/{fingerprint}/export", answering("export"));
    router_.add("GET", "/1.0/images/aliases", answering("aliases"));
    router_.add("GET", "/1.0/images/aliases/{name}", answering("alias"));
    router_.add("GET", "/1.0/instances/{name}", answering("instance"));
    router_.add("PUT", "/1.0/instances/{name}/state", answering("state"));
  }
  Router router_;
};

TEST_F(RouterTest, FindsByMethodAndPath) {
  EXPECT_EQ(answer_of(*router_.find("GET", "/")), "root");
  EXPECT_EQ(answer_of(*router_.find("GET", "/1.0")), "server");
  EXPECT_EQ(answer_of(*router_.find("GET", "/1.0/")), "server");
  EXPECT_EQ(answer_of(*router_.find("HEAD", "/1.0")), "server");
  EXPECT_EQ(answer_of(*router_.find("GET", "/1.0/images/abc/export")), "export");
}

TEST_F(RouterTest, PrefersFixedPartsToPlaceholders) {
  EXPECT_EQ(answer_of(*router_.find("GET", "/1.0/images/aliases")), "aliases");
  EXPECT_EQ(answer_of(*router_.find("GET", "/1.0/images/abc")), "image");
}

TEST_F(RouterTest, DecodesParametersAfterSplitting) {
  const auto match = router_.find("GET", "/1.0/images/aliases/debian%2F12");
  ASSERT_TRUE(match.ok());
  EXPECT_EQ(answer_of(*match), "alias");
  EXPECT_EQ(match->parameters.at("name"), "debian/12");
}

TEST_F(RouterTest, TakesContainersForInstances) {
  const auto match = router_.find("PUT", "/1.0/containers/c1/state");
  ASSERT_TRUE(match.ok());
  EXPECT_EQ(match->parameters.at("name"), "c1");
  EXPECT_EQ(match->parameters.at("kind"), "containers");
  EXPECT_EQ(router_.find("GET", "/1.0/instances/c1")->parameters.at("kind"), "instances");
}

TEST_F(RouterTest, TellsUnknownPathsFromUnknownMethods) {
  EXPECT_EQ(router_.find("GET", "/2.0").error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(router_.find("GET", "/1.0/instances/c1/nothing").error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(router_.find("PATCH", "/1.0").error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(router_.find("GET", "/1.0/instances/%zz").error().kind(), ErrorKind::kInvalid);
}
TEST(CanonicalPath, HasNoEmptyParts) {
  EXPECT_EQ(*canonical_path("/1.0//instances///a%2Fb/"), "/1.0/instances/a%2Fb");
  EXPECT_EQ(*canonical_path("1.0"), "/1.0");
  EXPECT_EQ(*canonical_path("//"), "/");
}

TEST(CanonicalPath, HasOneSpellingOfEachNoun) {
  for (const char* path : {"/1%2e0/instances", "/1.0/%69nstances/c1", "//1.0//image%73"}) {
    const auto refused = canonical_path(path);
    ASSERT_FALSE(refused.ok()) << path;
    EXPECT_EQ(refused.error().kind(), ErrorKind::kInvalid);
  }
}

}  // namespace
}  // namespace cella::daemon
