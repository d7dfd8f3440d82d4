#include <gtest/gtest.h>
#include <sstream>

#include "cli/completion.h"
#include "cli/daemon_options.h"
#include "cli/info_trace.h"
#include "cli/init_questions.h"

namespace cella::cli {
namespace {

using Words = std::vector<std::string>;

InitChoices answers(const std::string& text) {
  std::istringstream in(text);
  std::ostringstream out;
  const auto choices = ask_choices(in, out);
  EXPECT_TRUE(choices.ok());
  return choices.ok() ? *choices : InitChoices{};
}

TEST(AdminInit, EmptyAnswersTakeTheDefaults) {
  const InitChoices choices = answers("\n\n\n\n\n\n\n");
  EXPECT_EQ(choices.driver, "overlay");
  EXPECT_EQ(choices.pool, "default");
  EXPECT_EQ(choices.bridge, "cellabr0");
  EXPECT_EQ(choices.ipv4, "auto");
}

TEST(AdminInit, AsksAgainAfterABadAnswer) {
  const InitChoices choices = answers("perhaps\nyes\nfast\nzfs\nbtrfs\nlarge\n5GiB\nno\n");
  EXPECT_EQ(choices.pool, "fast");
  EXPECT_EQ(choices.driver, "btrfs");
  EXPECT_EQ(choices.pool_size, "5GiB");
  EXPECT_FALSE(choices.make_bridge);
}

TEST(AdminInit, TheEndOfInputChangesNothing) {
  std::istringstream in("yes\n");
  std::ostringstream out;
  EXPECT_EQ(ask_choices(in, out).error().kind(), ErrorKind::kCancelled);
}

TEST(AdminInit, MakesPoolBridgeAndProfile) {
  const Preseed preseed = preseed_of({});
  ASSERT_EQ(preseed.pools.size(), 1u);
  ASSERT_EQ(preseed.networks.size(), 1u);
  EXPECT_EQ(preseed.networks[0].config, (api::ConfigMap{{"ipv4.address", "auto"}, {"ipv6.address", "auto"}}));
  EXPECT_EQ(preseed.profiles.at(0).devices.at("root").at("pool"), "default");
  EXPECT_EQ(preseed.profiles.at(0).devices.at("eth0").at("network"), "cellabr0");
}

TEST(Preseed, ReadsWhatItWrites) {
  const Preseed before = preseed_of({.driver = "btrfs", .pool_size = "5GiB", .ipv4 = "10.9.0.1/24"});
  const auto text = format_preseed(before);
  ASSERT_TRUE(text.ok());
  const auto after = parse_preseed(*text);
  ASSERT_TRUE(after.ok()) << after.error().message();
  EXPECT_EQ(after->pools.at(0).config, before.pools.at(0).config);
  EXPECT_EQ(after->networks.at(0).config, before.networks.at(0).config);
  EXPECT_EQ(after->profiles.at(0).devices, before.profiles.at(0).devices);
}

// As `lxd init --dump` writes it.
TEST(Preseed, ReadsADumpOfAnotherServer) {
  const auto preseed = parse_preseed(
      "config: {}\nnetworks:\n- config:\n    ipv4.address: 10.5.65.1/24\n    ipv4.nat: \"true\"\n  description: \"\"\n"
      "  name: br0\n  type: bridge\n  project: default\nstorage_pools:\n- config:\n    size: 5GiB\n  description: "
      "\"\"\n"
      "  name: p\n  driver: btrfs\nprofiles:\n- config: {}\n  description: d\n  devices: {}\n  name: default\n"
      "projects:\n- config: {}\n  description: x\n  name: default\n");
  ASSERT_TRUE(preseed.ok()) << preseed.error().message();
  EXPECT_EQ(preseed->networks.at(0).config.at("ipv4.nat"), "true");
  EXPECT_EQ(preseed->pools.at(0).driver, "btrfs");
}

TEST(Preseed, KeepsProfilesWithTheirProjects) {
  const auto read = parse_preseed(
      "projects:\n- name: web\n  description: sites\n  config:\n    features.images: \"false\"\n"
      "profiles:\n- name: default\n  project: web\n- name: plain\n- name: other\n  project: default\n");
  ASSERT_TRUE(read.ok()) << read.error().message();
  const auto preseed = parse_preseed(*format_preseed(*read));
  ASSERT_TRUE(preseed.ok()) << preseed.error().message();
  EXPECT_EQ(preseed->projects.at(0).config.at("features.images"), "false");
  EXPECT_EQ(preseed->projects.at(0).description, "sites");
  ASSERT_EQ(preseed->profiles.size(), 2u);
  EXPECT_EQ(preseed->profiles[1].name, "other");
  ASSERT_EQ(preseed->project_profiles.size(), 1u);
  EXPECT_EQ(preseed->project_profiles.at("web").at(0).name, "default");
}

TEST(Preseed, RefusesWhatItCannotDo) {
  EXPECT_NE(parse_preseed("storage_pool: []\n").error().message().find("storage_pool"), std::string::npos);
  const auto network = parse_preseed("networks:\n- name: br1\n  project: web\n");
  ASSERT_FALSE(network.ok());
  EXPECT_EQ(network.error().kind(), ErrorKind::kUnsupported);
  EXPECT_NE(network.error().message().find("\"web\""), std::string::npos);
  EXPECT_EQ(parse_preseed("cluster:\n  enabled: true\n").error().kind(), ErrorKind::kUnsupported);
  EXPECT_FALSE(parse_preseed("networks: 5\n").ok());
}

TEST(DaemonOptions, AreParsedWithoutADaemon) {
  const auto flags = parse_daemon_options({"--state-dir", "/tmp/x", "--group=users", "--debug"});
  ASSERT_TRUE(flags.ok());
  EXPECT_EQ(flags->state_dir, "/tmp/x");
  EXPECT_EQ(flags->group, "users");
  EXPECT_TRUE(flags->debug);
  EXPECT_FALSE(parse_daemon_options({"--sate-dir", "x"}).ok());
  EXPECT_FALSE(parse_daemon_options({"word"}).ok());
}

Words completed(const Words& words) {
  static const Command tree = command_tree();
  return complete(tree, words, [](const NameQuestion& question) -> Words {
    if (question.remote == "box") return {"far"};
    if (question.kind == Names::kInstance) return {"c1", "c2", "web"};
    if (question.kind == Names::kProfile) return {"default"};
    if (question.kind == Names::kInstanceDevice) return {question.owner + "-eth0"};
    if (question.kind == Names::kSnapshot) return {question.owner + "-snap"};
    if (question.kind == Names::kRemote) return {"box"};
    if (question.kind == Names::kAlias) return {"mine"};
    return {};
  });
}

TEST(Completion, KnowsRemotesSnapshotsAndAliases) {
  EXPECT_EQ(completed({"start", "b"}), Words{"box:"});
  EXPECT_EQ(completed({"start", "box:"}), Words{"box:far"});
  EXPECT_EQ(completed({"delete", "c1/"}), Words{"c1/c1-snap"});
  EXPECT_EQ(completed({"min"}), Words{"mine"});
  EXPECT_EQ(completed({"help", "conf"}), Words{"config"});
}

TEST(Completion, OffersCommandsFlagsAndNames) {
  EXPECT_EQ(completed({"sta"}), (Words{"start"}));
  EXPECT_EQ(completed({"config", "dev"}), Words{"device"});
  EXPECT_EQ(completed({"start", "c"}), (Words{"c1", "c2"}));
  EXPECT_EQ(completed({"start", "c1", "w"}), Words{"web"});
  EXPECT_EQ(completed({"stop", "--fo"}), (Words{"--force", "--force-local"}));
  EXPECT_EQ(completed({"launch", "x", "-p", "d"}), Words{"default"});
  EXPECT_EQ(completed({"list", "--format", "c"}), (Words{"compact", "csv"}));
  EXPECT_EQ(completed({"config", "device", "get", "c1", ""}), Words{"c1-eth0"});
  EXPECT_EQ(completed({"config", "set", "c1", "limits.m"}),
            (Words{"limits.memory.enforce=", "limits.memory.swap=", "limits.memory="}));
}

TEST(Completion, OffersNothingInsideACommandLineOfExec) { EXPECT_TRUE(completed({"exec", "c1", "--", "l"}).empty()); }

TEST(Completion, HidesItsOwnCommand) {
  for (const std::string& word : completed({""})) EXPECT_FALSE(word.starts_with("_"));
  EXPECT_NE(bash_script().find("complete -o default -F _cella cella"), std::string::npos);
}

TEST(Trace, SumsTheSteps) {
  const auto text = trace_text(R"([{"step":"clone","ns":400000},{"step":"exec","ns":100000}])");
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("| exec  | 0.100ms | 0.500ms |"), std::string::npos) << *text;
  EXPECT_FALSE(trace_text("{}").ok());
  const auto parts = trace_text(R"([{"step":"launch","ns":400000},{"step":"launch: clone","ns":100000}])");
  ASSERT_TRUE(parts.ok());
  EXPECT_NE(parts->find("| launch: clone | 0.100ms | 0.400ms |"), std::string::npos) << *parts;
}

}  // namespace
}  // namespace cella::cli
