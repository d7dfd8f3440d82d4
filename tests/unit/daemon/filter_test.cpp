#include "daemon/filter.h"

#include <gtest/gtest.h>

namespace cella::daemon {
namespace {

constexpr const char* kInstance =
    R"({"name":"c1","status":"Running","ephemeral":false,"status_code":103,)"
    R"("config":{"user.a":"b","image.os":"Debian GNU/Linux"},"devices":{"eth0":{"type":"nic"}}})";

bool matches(std::string_view filter) {
  const auto parsed = Filter::parse(filter);
  EXPECT_TRUE(parsed.ok()) << filter << ": " << (parsed.ok() ? "" : parsed.error().message());
  const auto document = api::JsonDocument::parse(kInstance);
  return parsed.ok() && parsed->matches(document->root());
}

TEST(Filter, EmptyMatchesAll) {
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(matches("  "));
  EXPECT_TRUE(Filter::parse("")->empty());
}

TEST(Filter, ComparesMembersWithoutCase) {
  EXPECT_TRUE(matches("name eq c1"));
  EXPECT_TRUE(matches("status eq running"));
  EXPECT_FALSE(matches("status ne running"));
  EXPECT_TRUE(matches("ephemeral eq false"));
  EXPECT_TRUE(matches("status_code eq 103"));
}

TEST(Filter, LooksIntoMapsWhoseKeysHaveDots) {
  EXPECT_TRUE(matches("config.user.a eq b"));
  EXPECT_TRUE(matches("config.image.os eq \"debian gnu/linux\""));
  EXPECT_TRUE(matches("devices.eth0.type eq nic"));
  EXPECT_FALSE(matches("config.user.none eq b"));
  EXPECT_TRUE(matches("config.user.none ne b"));
}

TEST(Filter, JoinsFromLeftToRight) {
  EXPECT_TRUE(matches("name eq x or status eq running"));
  EXPECT_FALSE(matches("name eq c1 or status eq running and name eq x"));
  EXPECT_TRUE(matches("name eq c1 or (status eq running and name eq x)"));
  EXPECT_TRUE(matches("not name eq x and status eq running"));
  EXPECT_FALSE(matches("not (name eq c1 or name eq x)"));
}

TEST(Filter, NamesWhatIsWrong) {
  for (const char* filter : {"name", "name eq", "name is c1", "name eq c1 and", "name eq c1 name eq c2", "(name eq c1",
                             "name eq c1)", "name eq \"c1", "and", "name eq )"}) {
    const auto parsed = Filter::parse(filter);
    ASSERT_FALSE(parsed.ok()) << filter;
    EXPECT_NE(parsed.error().message().find(filter), std::string::npos);
  }
  EXPECT_FALSE(Filter::parse(std::string(100, '(') + "name eq c1" + std::string(100, ')')).ok());
}

}  // namespace
}  // namespace cella::daemon
