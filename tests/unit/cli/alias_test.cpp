#include <gtest/gtest.h>

#include "cli/alias_words.h"

namespace cella::cli {
namespace {

using Words = std::vector<std::string>;

const std::map<std::string, std::string> kAliases{{"ll", "list -c ns"},
                                                  {"my ls", "list"},
                                                  {"my", "info"},
                                                  {"in", "exec @ARGS@ -- sh -c \"echo hi there\""},
                                                  {"give", "config set @ARG2@ user.x=@ARG1@ @ARG1@"},
                                                  {"open", "exec \"c1"},
                                                  {"none", "  "}};

Words expanded(const Words& words) {
  const auto result = expand_alias(kAliases, words);
  return result.ok() && *result ? **result : Words{};
}

TEST(Alias, StandsForItsWordsAndKeepsTheRest) {
  EXPECT_EQ(expanded({"ll", "-f", "csv"}), (Words{"list", "-c", "ns", "-f", "csv"}));
  EXPECT_EQ(expanded({"-q", "ll"}), (Words{"-q", "list", "-c", "ns"}));
  EXPECT_EQ(expanded({"my", "ls", "c1"}), (Words{"list", "c1"}));
  EXPECT_EQ(expanded({"my", "c1"}), (Words{"info", "c1"}));
}

TEST(Alias, PutsArgumentsWhereItSays) {
  EXPECT_EQ(expanded({"in", "c1"}), (Words{"exec", "c1", "--", "sh", "-c", "echo hi there"}));
  EXPECT_EQ(expanded({"shell", "c1"}), (Words{"exec", "c1", "--", "su", "-l"}));
  EXPECT_EQ(expanded({"give", "a", "c1", "rest"}), (Words{"config", "set", "c1", "user.x=@ARG1@", "a", "rest"}));
}

TEST(Alias, LeavesOtherWordsAlone) {
  EXPECT_FALSE(*expand_alias(kAliases, Words{"list", "ll"}));
  EXPECT_FALSE(*expand_alias(kAliases, Words{}));
  EXPECT_FALSE(*expand_alias(kAliases, Words{"-q"}));
}

TEST(Alias, ThatCannotBeReadIsNamed) {
  for (const char* name : {"open", "none"}) {
    const auto result = expand_alias(kAliases, Words{name});
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_NE(result.error().message().find(name), std::string::npos);
  }
  EXPECT_FALSE(expand_alias(kAliases, Words{"give", "a"}).ok());
}

}  // namespace
}  // namespace cella::cli
