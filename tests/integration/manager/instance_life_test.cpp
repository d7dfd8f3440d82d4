// Instances from creation to deletion with the real keeper, storage and network.
#include <algorithm>
#include <csignal>
#include <iostream>
#include <sys/wait.h>

#include "base/files.h"
#include "tests/integration/manager/server_fixture.h"

namespace cella::manager::test {
namespace {

using InstanceLife = ServerTest;

TEST_F(InstanceLife, CreatesStartsExecsStopsAndDeletes) {
  in_private_host([&] {
    create("one");
    auto instance = *server_->instances().find("cmt-one");
    EXPECT_EQ(instance.status, StatusCode::kStopped);
    EXPECT_EQ(instance.config.at("volatile.base_image"), fingerprint_);
    EXPECT_EQ(instance.config.at("image.os"), "BusyBox");
    EXPECT_TRUE(instance.config.at("volatile.eth0.hwaddr").starts_with("00:16:3e:"));
    change("one", StateAction::kStart);
    instance = *server_->instances().find("cmt-one");
    EXPECT_EQ(instance.status, StatusCode::kRunning);
    EXPECT_EQ(instance.config.at("volatile.last_state.power"), "RUNNING");
    EXPECT_TRUE(instance.config.contains("volatile.eth0.host_name"));

    EXPECT_EQ(exec("one", {"hostname"}).output, "cmt-one\n");
    EXPECT_EQ(exec("one", {"id", "-u"}).output, "0\n");
    EXPECT_EQ(WEXITSTATUS(exec("one", {"sh", "-c", "exit 7"}).wait_status), 7);
    EXPECT_EQ(WEXITSTATUS(exec("one", {"ping", "-c1", "-W5", "10.213.7.1"}).wait_status), 0);

    const auto state = server_->instances().state("cmt-one");
    ASSERT_TRUE(state.ok());
    EXPECT_GT(state->pid, 0);
    EXPECT_GE(state->processes, 1);
    ASSERT_TRUE(state->network.contains("eth0"));
    const auto& eth0 = state->network.at("eth0");
    EXPECT_EQ(eth0.hwaddr, instance.config.at("volatile.eth0.hwaddr"));
    EXPECT_EQ(eth0.host_name, instance.config.at("volatile.eth0.host_name"));
    EXPECT_TRUE(std::any_of(eth0.addresses.begin(), eth0.addresses.end(),
                            [](const auto& address) { return address.address.starts_with("10.213.7."); }));

    const auto again = server_->instances().change_state("cmt-one", {.action = StateAction::kStart}, std::nullopt);
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().message(), "The instance is already running");
    EXPECT_FALSE(server_->instances().remove("cmt-one", std::nullopt).ok());

    change("one", StateAction::kStop);  // busybox init powers off on its signal
    instance = *server_->instances().find("cmt-one");
    EXPECT_EQ(instance.status, StatusCode::kStopped);
    EXPECT_EQ(instance.config.at("volatile.last_state.power"), "STOPPED");
    EXPECT_FALSE(instance.config.contains("volatile.eth0.host_name"));
    finish(server_->instances().remove("cmt-one", std::nullopt));
    EXPECT_EQ(server_->instances().find("cmt-one").error().kind(), ErrorKind::kNotFound);
  });
}

TEST_F(InstanceLife, TimesEveryStepOfALaunch) {
  in_private_host([&] {
    create("t");
    std::vector<std::int64_t> totals;
    LaunchTrace trace;
    for (int i = 0; i < 20; ++i) {
      change("t", StateAction::kStart);
      trace = *server_->instances().launch_trace("cmt-t");
      std::int64_t total = 0;
      for (const auto& step : trace.steps) {
        if (!step.name.starts_with("launch: ")) total += step.nanoseconds;
      }
      totals.push_back(total);
      change("t", StateAction::kStop, true);
    }
    for (const auto& step : trace.steps) std::cout << step.name << " " << step.nanoseconds / 1000 << " us\n";
    std::sort(totals.begin(), totals.end());
    std::cout << "total: median " << totals[10] / 1000 << " us, least " << totals[0] / 1000 << " us\n";
    EXPECT_GE(trace.steps.size(), 7u);
  });
}

TEST_F(InstanceLife, StopsByForceFreezesAndRestarts) {
  in_private_host([&] {
    create("f");
    change("f", StateAction::kStart);
    change("f", StateAction::kFreeze);
    EXPECT_EQ(server_->instances().find("cmt-f")->status, StatusCode::kFrozen);
    change("f", StateAction::kUnfreeze);
    EXPECT_EQ(exec("f", {"echo", "thawed"}).output, "thawed\n");
    const auto pid = server_->instances().state("cmt-f")->pid;
    change("f", StateAction::kRestart, true);
    EXPECT_NE(server_->instances().state("cmt-f")->pid, pid);
    change("f", StateAction::kFreeze);
    change("f", StateAction::kStop, true);
    EXPECT_EQ(server_->instances().find("cmt-f")->status, StatusCode::kStopped);
  });
}

TEST_F(InstanceLife, StartsAgainWhenItRebootsAndStopsWhenItPowersOff) {
  in_private_host([&] {
    create("r");
    change("r", StateAction::kStart);
    const auto pid = server_->instances().state("cmt-r")->pid;
    (void)exec("r", {"reboot", "-f"});
    eventually("a new init", [&] {
      const auto state = server_->instances().state("cmt-r");
      return state->status == StatusCode::kRunning && state->pid != 0 && state->pid != pid;
    });
    EXPECT_EQ(exec("r", {"echo", "back"}).output, "back\n");
    (void)exec("r", {"poweroff", "-f"});
    eventually("stopped", [&] { return server_->instances().find("cmt-r")->status == StatusCode::kStopped; });
  });
}

TEST_F(InstanceLife, DeletesAnEphemeralInstanceWhenItStops) {
  in_private_host([&] {
    create("e", {.ephemeral = true});
    change("e", StateAction::kStart);
    change("e", StateAction::kRestart, true);
    EXPECT_EQ(server_->instances().find("cmt-e")->status, StatusCode::kRunning);
    change("e", StateAction::kStop, true);
    EXPECT_EQ(server_->instances().find("cmt-e").error().kind(), ErrorKind::kNotFound);
  });
}

TEST_F(InstanceLife, RenamesAStoppedInstance) {
  in_private_host([&] {
    create("a");
    create("b");
    EXPECT_EQ(server_->instances().rename("cmt-a", "cmt-b", std::nullopt).error().kind(), ErrorKind::kExists);
    EXPECT_EQ(server_->instances().rename("cmt-a", "a.b", std::nullopt).error().kind(), ErrorKind::kInvalid);
    finish(server_->instances().rename("cmt-a", "cmt-c", std::nullopt));
    EXPECT_FALSE(server_->instances().find("cmt-a").ok());
    change("c", StateAction::kStart);
    EXPECT_EQ(exec("c", {"hostname"}).output, "cmt-c\n");
    EXPECT_EQ(failure(server_->instances().rename("cmt-c", "cmt-d", std::nullopt)),
              "Renaming of running instance not allowed");
  });
}

TEST_F(InstanceLife, GivesEachInstanceItsOwnIds) {
  in_private_host([&] {
    create("x");
    create("y");
    change("x", StateAction::kStart);
    change("y", StateAction::kStart);
    const auto owner = [&](const std::string& name) {
      const auto pid = server_->instances().state(name)->pid;
      return *read_file("/proc/" + std::to_string(pid) + "/uid_map");
    };
    EXPECT_NE(owner("cmt-x"), owner("cmt-y"));
  });
}

TEST_F(InstanceLife, RefusesBadInputAndLeavesNothing) {
  in_private_host([&] {
    const auto refused = [&](InstanceCreate request) {
      const auto created = server_->instances().create(request, std::nullopt);
      return created.ok() ? failure(created) : created.error().message();
    };
    InstanceCreate good;
    good.name = "cmt-bad";
    good.fingerprint = fingerprint_;
    auto bad = good;
    bad.name = "no.host";
    EXPECT_NE(refused(bad).find("no.host"), std::string::npos);
    bad = good;
    bad.put.config = {{"limits.memry", "1GiB"}};
    EXPECT_NE(refused(bad).find("limits.memry"), std::string::npos);
    bad = good;
    bad.put.profiles = {"nope"};
    bad.profiles_given = true;
    EXPECT_NE(refused(bad).find("nope"), std::string::npos);
    bad = good;
    bad.fingerprint = std::string(64, 'a');
    EXPECT_NE(refused(bad), "");
    bad = good;
    bad.put.devices = {{"eth1", {{"type", "nic"}, {"network", "nowhere"}}}};
    EXPECT_NE(refused(bad).find("nowhere"), std::string::npos);
    bad = good;
    bad.profiles_given = true;
    EXPECT_NE(refused(bad).find("No root device"), std::string::npos);
    EXPECT_TRUE(server_->instances().list().empty());
  });
}

TEST_F(InstanceLife, ChangesDevicesAndKeysOfARunningContainer) {
  in_private_host([&] {
    create("l");
    change("l", StateAction::kStart);
    const auto source = dir() + "/share";
    ASSERT_TRUE(make_dirs(source, 0755).ok());
    InstancePatch patch;
    patch.config = {{"user.colour", "red"}, {"environment.SEEN", "yes"}};
    patch.devices = {{"share", {{"type", "disk"}, {"path", "/mnt/share"}, {"source", source}, {"shift", "true"}}},
                     {"eth1", {{"type", "nic"}, {"network", "cmtbr0"}}},
                     {"zero", {{"type", "unix-char"}, {"path", "/dev/nil"}, {"source", "/dev/null"}}}};
    const auto patched = server_->instances().patch("cmt-l", patch, std::nullopt);
    ASSERT_TRUE(patched.ok()) << patched.error().message();
    EXPECT_EQ(WEXITSTATUS(exec("l", {"touch", "/mnt/share/made"}).wait_status), 0);
    EXPECT_TRUE(path_exists(source + "/made"));
    EXPECT_EQ(exec("l", {"sh", "-c", "echo $SEEN"}).output, "yes\n");
    EXPECT_EQ(WEXITSTATUS(exec("l", {"sh", "-c", "echo x > /dev/nil"}).wait_status), 0);
    EXPECT_TRUE(server_->instances().state("cmt-l")->network.contains("eth1"));
    patch = {};
    patch.devices = {{"share", {}}, {"eth1", {}}, {"zero", {}}};
    const auto removed = server_->instances().patch("cmt-l", patch, std::nullopt);
    ASSERT_TRUE(removed.ok()) << removed.error().message();
    EXPECT_NE(WEXITSTATUS(exec("l", {"ls", "/mnt/share/made"}).wait_status), 0);
    EXPECT_NE(WEXITSTATUS(exec("l", {"ls", "/dev/nil"}).wait_status), 0);
    EXPECT_FALSE(server_->instances().find("cmt-l")->config.contains("volatile.eth1.hwaddr"));
  });
}

TEST_F(InstanceLife, FollowsItsProfiles) {
  in_private_host([&] {
    ASSERT_TRUE(server_->profiles().create("default", "extra", {.config = {{"user.x", "extra"}}}, std::nullopt).ok());
    create("p", {.profiles = {"default", "extra"}});  // not marked as given: gets "default" only
    InstancePatch patch;
    patch.profiles = {"default", "extra"};
    ASSERT_TRUE(server_->instances().patch("cmt-p", patch, std::nullopt).ok());
    EXPECT_EQ(server_->instances().find("cmt-p")->expanded_config.at("user.x"), "extra");
    EXPECT_EQ(server_->profiles().find("default", "extra")->used_by, std::vector<std::string>{"/1.0/instances/cmt-p"});
    ASSERT_TRUE(server_->profiles().update("default", "extra", {.config = {{"user.x", "new"}}}, std::nullopt).ok());
    EXPECT_EQ(server_->instances().find("cmt-p")->expanded_config.at("user.x"), "new");
    EXPECT_FALSE(server_->profiles().remove("default", "extra", std::nullopt).ok());
    ASSERT_TRUE(server_->profiles().rename("default", "extra", "other", std::nullopt).ok());
    EXPECT_EQ(server_->instances().find("cmt-p")->profiles, (std::vector<std::string>{"default", "other"}));
    // The last root disk cannot be taken away under an instance.
    EXPECT_FALSE(server_->profiles().update("default", "default", {}, std::nullopt).ok());
  });
}

}  // namespace
}  // namespace cella::manager::test
