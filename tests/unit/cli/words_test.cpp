#include "cli/words.h"

#include <gtest/gtest.h>

namespace cella::cli {
namespace {

using Words = std::vector<std::string>;

TEST(Words, OnlyTheLocalRemoteIsKnown) {
  EXPECT_EQ(*local_name("c1"), "c1");
  EXPECT_EQ(*local_name("local:c1"), "c1");
  EXPECT_EQ(*local_name("local:"), "");
  const auto other = local_name("ubuntu:22.04");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().kind(), ErrorKind::kUnsupported);
  EXPECT_NE(other.error().message().find("\"ubuntu\""), std::string::npos);
}

TEST(Words, ARequiredNameIsNotEmpty) {
  EXPECT_EQ(required_name("", "instance").error().message(), "Missing instance name");
  EXPECT_FALSE(required_name("local:", "instance").ok());
}

TEST(Words, PairsSplitAtTheFirstEquals) {
  const auto pairs = key_values(Words{"a=b=c", "d="});
  ASSERT_TRUE(pairs.ok());
  EXPECT_EQ(*pairs, (std::vector<KeyValue>{{"a", "b=c"}, {"d", ""}}));
}

TEST(Words, ABadPairIsNamed) {
  EXPECT_NE(key_values(Words{"abc"}).error().message().find("\"abc\""), std::string::npos);
  EXPECT_FALSE(key_values(Words{"=x"}).ok());
}

TEST(Words, TheOldFormIsOneKeyAndItsValue) {
  EXPECT_EQ(*key_values_or_pair(Words{"limits.cpu", "2"}), (std::vector<KeyValue>{{"limits.cpu", "2"}}));
  EXPECT_EQ(*key_values_or_pair(Words{"limits.cpu", "a=b"}), (std::vector<KeyValue>{{"limits.cpu", "a=b"}}));
  EXPECT_FALSE(key_values_or_pair(Words{"a", "b", "c"}).ok());
}

TEST(Words, NamesJoinAndSplit) {
  EXPECT_EQ(split_names("a,b,,c"), (Words{"a", "b", "c"}));
  EXPECT_TRUE(split_names("").empty());
  EXPECT_EQ(join_names({"a", "b"}), "a,b");
}

}  // namespace
}  // namespace cella::cli
