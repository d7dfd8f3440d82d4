#include <gtest/gtest.h>

#include "manager/names.h"

namespace cella::manager {
namespace {

TEST(QualifiedNames, AreTheNameAloneInTheDefaultProject) {
  EXPECT_EQ(qualified_name("default", "c1"), "c1");
  EXPECT_EQ(qualified_name("", "c1"), "c1");
  EXPECT_EQ(project_of("c1"), "default");
  EXPECT_EQ(instance_url("c1", "/logs/x"), "/1.0/instances/c1/logs/x");
}

TEST(QualifiedNames, ComeApartAgain) {
  const std::string key = qualified_name("web-1.x", "c1");
  EXPECT_EQ(key, "web-1.x_c1");
  EXPECT_EQ(project_of(key), "web-1.x");
  EXPECT_EQ(short_name(key), "c1");
  EXPECT_EQ(instance_url(key), "/1.0/instances/c1?project=web-1.x");
  EXPECT_EQ(instance_url(key, "/snapshots/s0"), "/1.0/instances/c1/snapshots/s0?project=web-1.x");
}

TEST(ProjectNames, HoldNothingThatSeparates) {
  for (const char* good : {"web", "user-1000", "a.b", "X", "0"}) EXPECT_TRUE(check_project_name(good).ok()) << good;
  for (const char* bad : {"", "a_b", "a/b", "a b", ".", "..", "*", "a&b", "a?b", "a'b", "\n", "ä"}) {
    EXPECT_FALSE(check_project_name(bad).ok()) << bad;
  }
  EXPECT_FALSE(check_project_name(std::string(64, 'a')).ok());
}

}  // namespace
}  // namespace cella::manager
