// Running containers and half-done work when the daemon or the keeper dies.
#include <csignal>
#include <sys/wait.h>

#include "base/files.h"
#include "base/seqpacket.h"
#include "base/syscalls.h"
#include "base/units.h"
#include "cgroups/hierarchy.h"
#include "manager/database.h"
#include "manager/instance_records.h"
#include "manager/pools.h"
#include "runtime/client.h"
#include "tests/integration/manager/server_fixture.h"

namespace cella::manager::test {
namespace {

class InstanceRecovery : public ServerTest {
 protected:
  std::int64_t init_of(const std::string& name) {
    const auto state = server_->instances().state(kPrefix + name);
    return state.ok() ? state->pid : -1;
  }
  void kill_init(std::int64_t pid) {
    const PidFd pidfd(sys_pidfd_open(static_cast<pid_t>(pid), 0));
    ASSERT_TRUE(pidfd.valid());
    ASSERT_EQ(sys_pidfd_send_signal(pidfd.get(), SIGKILL, nullptr, 0), 0);
  }
  // Changes the records as a daemon would have left them.
  void with_database(const std::function<Result<void>(Database&)>& change) {
    auto database = Database::open(options().state_dir + "/database/cella.db", {});
    ASSERT_TRUE(database.ok()) << database.error().message();
    const auto changed = change(**database);
    ASSERT_TRUE(changed.ok()) << changed.error().message();
  }
  std::vector<std::string> root_volumes() {
    std::vector<std::string> names;
    const auto volumes = server_->pools().volumes("default");
    for (const auto& volume : *volumes) {
      if (volume.type == "container") names.push_back(volume.name);
    }
    return names;
  }
};

TEST_F(InstanceRecovery, FindsRunningContainersAgain) {
  in_private_host([&] {
    create("one");
    create("two");
    change("one", StateAction::kStart);
    const auto pid = init_of("one");
    close_server();
    open_server();
    EXPECT_EQ(init_of("one"), pid);
    EXPECT_EQ(server_->instances().find("cmt-one")->status, StatusCode::kRunning);
    EXPECT_EQ(server_->instances().find("cmt-two")->status, StatusCode::kStopped);
    EXPECT_EQ(exec("one", {"echo", "still here"}).output, "still here\n");
    EXPECT_FALSE(server_->instances().state("cmt-one")->network.at("eth0").host_name.empty());
    change("one", StateAction::kFreeze);
    close_server();
    open_server();
    EXPECT_EQ(server_->instances().find("cmt-one")->status, StatusCode::kFrozen);
    change("one", StateAction::kStop, true);
    change("one", StateAction::kStart);
    EXPECT_NE(init_of("one"), pid);
  });
}

TEST_F(InstanceRecovery, LearnsOfExitsThatHappenedMeanwhile) {
  in_private_host([&] {
    create("gone");
    create("eph", {.ephemeral = true});
    change("gone", StateAction::kStart);
    change("eph", StateAction::kStart);
    const auto first = init_of("gone");
    const auto second = init_of("eph");
    close_server();
    kill_init(first);
    kill_init(second);
    open_server();
    eventually("stopped", [&] { return server_->instances().find("cmt-gone")->status == StatusCode::kStopped; });
    EXPECT_EQ(server_->instances().find("cmt-gone")->config.at("volatile.last_state.power"), "STOPPED");
    eventually("deleted", [&] { return !server_->instances().find("cmt-eph").ok(); });
    change("gone", StateAction::kStart);
  });
}

TEST_F(InstanceRecovery, SurvivesADaemonThatIsKilled) {
  in_private_host([&] {
    create("k");
    close_server();
    auto ready = make_pipe();
    ASSERT_TRUE(ready.ok());
    const pid_t daemon = ::fork();
    if (daemon == 0) {
      auto opened = Server::open(options());
      if (!opened.ok()) ::_exit(1);
      const auto id = (*opened)->instances().change_state("cmt-k", {.action = StateAction::kStart}, std::nullopt);
      const bool started = id.ok() && (*opened)->operations().wait(*id, std::nullopt)->error.empty();
      const char answer = started ? 'y' : 'n';
      if (::write(ready->write_end.get(), &answer, 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    ready->write_end.reset();
    char answer = 0;
    ASSERT_EQ(::read(ready->read_end.get(), &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    ASSERT_EQ(::kill(daemon, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(daemon, &status, 0), daemon);
    open_server();
    EXPECT_EQ(server_->instances().find("cmt-k")->status, StatusCode::kRunning);
    EXPECT_EQ(exec("k", {"echo", "alive"}).output, "alive\n");
    change("k", StateAction::kStop);
  });
}

TEST_F(InstanceRecovery, HandsContainersToTheNextKeeper) {
  in_private_host([&] {
    create("a");
    change("a", StateAction::kStart);
    const auto pid = init_of("a");
    const auto status = *read_file("/proc/" + std::to_string(pid) + "/status");
    const auto start = status.find("PPid:\t") + 6;
    const auto keeper = parse_unsigned("PPid", status.substr(start, status.find('\n', start) - start));
    ASSERT_TRUE(keeper.ok());
    kill_init(static_cast<std::int64_t>(*keeper));
    // The server notices, starts another keeper and hands the container over; then exec works again.
    eventually("exec works", [&] {
      ExecRequest request;
      request.command = {"true"};
      const auto null = open_path("/dev/null", O_RDWR);
      const int none[3] = {null->get(), null->get(), null->get()};
      return server_->instances().exec("cmt-a", request, none, [](int) {}).ok();
    });
    EXPECT_EQ(init_of("a"), pid);
    change("a", StateAction::kStop, true);
    EXPECT_EQ(server_->instances().find("cmt-a")->status, StatusCode::kStopped);
    change("a", StateAction::kStart);
  });
}

TEST_F(InstanceRecovery, UndoesHalfMadeAndEndsHalfDeletedInstances) {
  in_private_host([&] {
    create("making");
    create("deleting");
    create("renaming");
    close_server();
    with_database([](Database& database) -> Result<void> {
      for (const auto& record : TRY(load_instances(database))) {
        if (record.name == "cmt-making") TRY(set_phase(database, record.id, InstancePhase::kCreating, ""));
        if (record.name == "cmt-deleting") TRY(set_phase(database, record.id, InstancePhase::kDeleting, ""));
        if (record.name == "cmt-renaming") TRY(set_phase(database, record.id, InstancePhase::kRenaming, "cmt-renamed"));
      }
      return kOk;
    });
    open_server();
    const auto instances = server_->instances().list();
    ASSERT_EQ(instances.size(), 1u);
    EXPECT_EQ(instances.front().name, "cmt-renamed");
    EXPECT_EQ(root_volumes(), std::vector<std::string>{"cmt-renamed"});
    change("renamed", StateAction::kStart);
    create("making");
    create("deleting");
  });
}

TEST_F(InstanceRecovery, KillsAContainerThatWasNeverRecorded) {
  in_private_host([&] {
    create("lost");
    change("lost", StateAction::kStart);
    const auto pid = init_of("lost");
    close_server();
    with_database([](Database& database) -> Result<void> {
      for (const auto& record : TRY(load_instances(database))) TRY(remove_run(database, record.id));
      return kOk;
    });
    const PidFd pidfd(sys_pidfd_open(static_cast<pid_t>(pid), 0));
    open_server();
    EXPECT_EQ(server_->instances().find("cmt-lost")->status, StatusCode::kStopped);
    const auto hierarchy = cgroups::Hierarchy::find();
    EXPECT_TRUE(hierarchy->destroy("lxc.payload.cmt-lost", std::chrono::seconds(5)).ok());
    EXPECT_EQ(sys_pidfd_send_signal(pidfd.get(), 0, nullptr, 0), -1);
    change("lost", StateAction::kStart);
  });
}

TEST_F(InstanceRecovery, StartsAfterBootWhatRanBefore) {
  in_private_host([&] {
    create("auto");
    create("not");
    create("never");
    ASSERT_TRUE(server_->instances().patch("cmt-never", {.config = {{"boot.autostart", "false"}}}, std::nullopt).ok());
    change("auto", StateAction::kStart);
    change("never", StateAction::kStart);
    server_->stop_instances();
    for (const char* name : {"cmt-auto", "cmt-not", "cmt-never"}) {
      EXPECT_EQ(server_->instances().find(name)->status, StatusCode::kStopped);
    }
    close_server();
    open_server();
    server_->start_instances();
    eventually("started", [&] { return server_->instances().find("cmt-auto")->status == StatusCode::kRunning; });
    EXPECT_EQ(server_->instances().find("cmt-not")->status, StatusCode::kStopped);
    EXPECT_EQ(server_->instances().find("cmt-never")->status, StatusCode::kStopped);
  });
}

TEST_F(InstanceRecovery, DoesNotStartWhatEndedMeanwhile) {
  in_private_host([&] {
    create("ended");
    create("later");
    ASSERT_TRUE(server_->instances().patch("cmt-later", {.config = {{"boot.autostart", "true"}}}, std::nullopt).ok());
    change("ended", StateAction::kStart);
    const auto pid = init_of("ended");
    close_server();
    kill_init(pid);
    open_server();
    eventually("ended", [&] { return server_->instances().find("cmt-ended")->status == StatusCode::kStopped; });
    server_->start_instances();
    // They are started in order of their names.
    eventually("started", [&] { return server_->instances().find("cmt-later")->status == StatusCode::kRunning; });
    EXPECT_EQ(server_->instances().find("cmt-ended")->status, StatusCode::kStopped);
  });
}

TEST_F(InstanceRecovery, LetsOnlyOneDaemonHaveAStateDirectory) {
  in_private_host([&] {
    const auto second = Server::open(options());
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind(), ErrorKind::kBusy);
  });
}

}  // namespace
}  // namespace cella::manager::test
