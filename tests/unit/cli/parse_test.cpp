#include "cli/parse.h"

#include <gtest/gtest.h>

#include "cli/help.h"

namespace cella::cli {
namespace {

using Words = std::vector<std::string>;

const Command& tree() {
  static const Command command = command_tree();
  return command;
}

Invocation parsed(const Words& words) {
  auto invocation = parse(tree(), words);
  EXPECT_TRUE(invocation.ok()) << (invocation.ok() ? "" : invocation.error().message());
  return invocation.ok() ? *invocation : Invocation{.command = &tree()};
}

std::string failure(const Words& words) {
  const auto invocation = parse(tree(), words);
  return invocation.ok() ? "accepted" : invocation.error().message();
}

TEST(Parse, FindsNestedCommandsAndAliases) {
  EXPECT_EQ(parsed({"config", "device", "add", "c1", "d", "nic"}).path, "cella config device add");
  EXPECT_EQ(parsed({"ls"}).path, "cella list");
  EXPECT_EQ(parsed({"image", "alias", "rm", "x"}).path, "cella image alias delete");
}

TEST(Parse, TakesFlagsBeforeBetweenAndAfterWords) {
  const Invocation invocation = parsed({"stop", "-f", "c1", "--timeout", "5", "c2", "-q"});
  EXPECT_EQ(invocation.arguments.words, (Words{"c1", "c2"}));
  EXPECT_TRUE(invocation.arguments.on("force"));
  EXPECT_TRUE(invocation.arguments.on("quiet"));
  EXPECT_EQ(invocation.arguments.text("timeout"), "5");
}

TEST(Parse, TakesGlobalFlagsBeforeTheCommand) {
  const Invocation invocation = parsed({"--project", "web", "list"});
  EXPECT_EQ(invocation.path, "cella list");
  EXPECT_EQ(invocation.arguments.text("project"), "web");
}

TEST(Parse, TakesEveryFormOfAValue) {
  for (const Words& form :
       {Words{"-c", "ns"}, Words{"-cns"}, Words{"-c=ns"}, Words{"--columns", "ns"}, Words{"--columns=ns"}}) {
    Words words{"list"};
    words.insert(words.end(), form.begin(), form.end());
    EXPECT_EQ(parsed(words).arguments.text("columns"), "ns") << form[0];
  }
}

TEST(Parse, JoinsSwitchesAndKeepsRepeatedValuesInOrder) {
  const Invocation exec = parsed({"exec", "c1", "-nT", "--", "true"});
  EXPECT_TRUE(exec.arguments.on("disable-stdin"));
  EXPECT_TRUE(exec.arguments.on("force-noninteractive"));
  EXPECT_EQ(parsed({"launch", "i", "-p", "a", "-p", "b"}).arguments.all("profile"), (Words{"a", "b"}));
}

TEST(Parse, AFlagWithABareValueTakesAnotherOnlyWithEquals) {
  const Invocation bare = parsed({"start", "--console", "c1"});
  EXPECT_EQ(bare.arguments.text("console"), "console");
  EXPECT_EQ(bare.arguments.words, Words{"c1"});
  EXPECT_EQ(parsed({"start", "--console=vga", "c1"}).arguments.text("console"), "vga");
}

TEST(Parse, SwitchesCanBeSwitchedOff) {
  EXPECT_FALSE(parsed({"stop", "c1", "--force=false"}).arguments.on("force"));
  EXPECT_NE(failure({"stop", "c1", "--force=maybe"}), "accepted");
}

TEST(Parse, PassesEverythingAfterTwoDashesOn) {
  const Invocation invocation = parsed({"exec", "c1", "--", "ls", "-l", "--", "--help"});
  EXPECT_EQ(invocation.arguments.words, (Words{"c1", "ls", "-l", "--", "--help"}));
  EXPECT_FALSE(invocation.wants_help);
}

TEST(Parse, ASingleDashIsAWord) { EXPECT_EQ(parsed({"config", "set", "c1", "k", "-"}).arguments.words.back(), "-"); }

TEST(Parse, NamesUnknownCommandsAndSuggests) {
  EXPECT_EQ(failure({"lisst"}), "unknown command \"lisst\" for \"cella\"\n\nDid you mean this?\n\tlist");
  EXPECT_EQ(failure({"config", "zzzz"}), "unknown command \"zzzz\" for \"cella config\"");
}

TEST(Parse, NamesUnknownFlagsAndSuggests) {
  EXPECT_EQ(failure({"list", "--formt", "csv"}), "unknown flag: --formt\n\nDid you mean this?\n\t--format");
  EXPECT_EQ(failure({"exec", "c1", "ls", "-l"}), "unknown shorthand flag: 'l' in -l");
  EXPECT_EQ(failure({"stop", "c1", "--timeout"}), "flag needs an argument: --timeout");
  EXPECT_EQ(failure({"list", "-c"}), "flag needs an argument: 'c' in -c");
}

TEST(Parse, CountsWords) {
  EXPECT_TRUE(parsed({"start"}).wrong_count);
  EXPECT_FALSE(parsed({"start", "--all"}).wrong_count);
  EXPECT_TRUE(parsed({"rename", "a", "b", "c"}).wrong_count);
  EXPECT_FALSE(parsed({"launch", "--empty"}).wrong_count);
}

TEST(Parse, HelpIsWantedForAGroupAlone) {
  EXPECT_TRUE(parsed({"config"}).wants_help);
  EXPECT_TRUE(parsed({"launch", "--help"}).wants_help);
  EXPECT_TRUE(parsed({}).wants_help);
}

TEST(Suggest, CountsASwapOfNeighboursOnce) {
  EXPECT_EQ(edit_distance("lsit", "list"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("start", "start"), 0u);
}

TEST(Suggest, PutsTheNearestFirst) {
  const Words names{"start", "stop", "storage", "list"};
  EXPECT_EQ(suggestions("stat", names).front(), "start");
  EXPECT_TRUE(suggestions("zzzzzz", names).empty());
}

// Every command can be explained, and every leaf can be run.
void check(const Command& command, const std::string& path) {
  EXPECT_FALSE(command.summary.empty()) << path;
  EXPECT_TRUE(command.run || !command.children.empty()) << path;
  EXPECT_LE(command.min_words, command.max_words) << path;
  const std::string help = help_text(command, path);
  EXPECT_NE(help.find("Usage:\n  " + path), std::string::npos);
  for (const Flag& flag : command.flags) {
    EXPECT_FALSE(flag.help.empty()) << path << " --" << flag.name;
    EXPECT_NE(help.find("--" + std::string(flag.name)), std::string::npos) << path;
    for (const Flag& global : global_flags()) {
      EXPECT_NE(flag.name, global.name) << path;
      EXPECT_FALSE(flag.letter != 0 && flag.letter == global.letter) << path << " -" << flag.letter;
    }
  }
  for (const Command& child : command.children) check(child, path + " " + std::string(child.name));
}

TEST(Help, CoversEveryCommandOfTheTree) { check(tree(), "cella"); }

TEST(Help, ShowsUsageAliasesAndDefaults) {
  const std::string help = help_text(*find_child(tree(), "list"), "cella list");
  EXPECT_NE(help.find("Usage:\n  cella list [<filter>...] [flags]\n"), std::string::npos);
  EXPECT_NE(help.find("Aliases:\n  list, ls\n"), std::string::npos);
  EXPECT_NE(help.find("(default table)"), std::string::npos);
}

}  // namespace
}  // namespace cella::cli
