// Containers and their exits in the keeper, across daemons and keepers.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/syscalls.h"
#include "keeper_fixture.h"

namespace cella::runtime::test {
namespace {

constexpr const char* kForever = "while :; do sleep 1000; done";

using KeeperLife = KeeperTest;

TEST_F(KeeperLife, LaunchesAndReportsTheExitStatus) {
  TestContainer container = start("c1", "exit 7");
  const ContainerExit exit = log_->wait_container("c1");
  ASSERT_TRUE(exit.wait_status.has_value());
  EXPECT_TRUE(WIFEXITED(*exit.wait_status));
  EXPECT_EQ(WEXITSTATUS(*exit.wait_status), 7);
  EXPECT_GT(container.launched.timings.total_ns, 0u);
  stop(container);
}

TEST_F(KeeperLife, RunsInItsOwnCgroupAsAnUnprivilegedHostUser) {
  TestContainer container = start("c1", kForever);
  const std::string pid = std::to_string(container.launched.init.pid);
  const auto listed = client_->list();
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ((*listed)[0].name, "c1");
  EXPECT_EQ((*listed)[0].init, container.launched.init);
  EXPECT_EQ((*listed)[0].cgroup, container.cgroup_path);
  EXPECT_TRUE((*listed)[0].has_console);
  EXPECT_NE(read_file("/proc/" + pid + "/status")->find("Uid:\t1000000\t1000000"), std::string::npos);
  stop(container);
}

TEST_F(KeeperLife, RefusesASecondContainerOfTheName) {
  TestContainer container = start("c1", kForever);
  const auto again = launch(container, plan("true"));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind(), ErrorKind::kExists);
  stop(container);
}

TEST_F(KeeperLife, SignalsInit) {
  TestContainer container = start("c1", "trap 'exit 9' USR1; echo ready; while :; do sleep 0.01; done");
  const Fd console = std::move(*client_->attach_console("c1", Replay::kBacklog));
  read_until(console, "ready");
  ASSERT_TRUE(client_->signal("c1", SIGUSR1).ok());
  EXPECT_EQ(log_->wait_container("c1").wait_status, 9 << 8);
  EXPECT_EQ(client_->signal("c1", SIGUSR1).error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(client_->signal("other", SIGUSR1).error().kind(), ErrorKind::kNotFound);
  stop(container);
}

TEST_F(KeeperLife, NamesTheStepThatFailed) {
  TestContainer container = prepare("c1");
  LaunchPlan missing = plan("true");
  missing.argv = {"/bin/absent"};
  LaunchFailure failure;
  const auto launched = launch(container, missing, &failure);
  ASSERT_FALSE(launched.ok());
  EXPECT_EQ(failure.step, LaunchStep::kExecute);
  EXPECT_EQ(failure.errno_value, ENOENT);
  EXPECT_EQ(launched.error().kind(), ErrorKind::kNotFound);
  EXPECT_TRUE(client_->list()->empty());
  remove_cgroup(container);
}

TEST_F(KeeperLife, KeepsContainersAndExitsWhileNoDaemonIsThere) {
  TestContainer stays = start("stays", kForever);
  TestContainer ends = start("ends", "read line; exit 5");
  const Fd console = std::move(*client_->attach_console("ends", Replay::kNothing));
  const pid_t keeper = client_->keeper_pid();
  disconnect();
  ASSERT_TRUE(write_all(console, "go\n").ok());
  ASSERT_TRUE(wait_ended(ends.launched.pidfd));
  EXPECT_EQ(log_->count("ends"), 0u);

  connect();
  EXPECT_EQ(client_->keeper_pid(), keeper);
  EXPECT_EQ(log_->wait_container("ends").wait_status, 5 << 8);
  EXPECT_EQ(client_->list()->size(), 2u);
  // Not acknowledged, so the next daemon hears of it again.
  disconnect();
  connect();
  EXPECT_EQ(log_->wait_container("ends", 2).wait_status, 5 << 8);
  stop(ends);
  EXPECT_EQ(client_->list()->size(), 1u);
  stop(stays);
}

TEST_F(KeeperLife, GivesWayToANewDaemon) {
  TestContainer container = start("c1", kForever);
  auto newer = KeeperClient::open(options_, events());
  ASSERT_TRUE(newer.ok());
  EXPECT_TRUE(log_->wait_lost());
  EXPECT_EQ(client_->list().error().kind(), ErrorKind::kIo);
  client_ = std::move(*newer);
  EXPECT_EQ(client_->list()->size(), 1u);
  stop(container);
}

TEST_F(KeeperLife, SurvivesTheDaemonsDeathByKill) {
  // The daemon is a child here, so that it can be killed in earnest.
  TestContainer container = prepare("c1");
  disconnect();
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    connect();
    const auto launched = launch(container, plan("trap 'exit 3' USR1; while :; do sleep 0.01; done"));
    ::_exit(launched.ok() && ::raise(SIGKILL) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(daemon, &status, 0), daemon);
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  connect();
  const auto listed = client_->list();
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 1u);
  container.launched.init = (*listed)[0].init;
  EXPECT_EQ(run(container, "echo alive").output, "alive\n");
  stop(container);
}

// The keeper did not launch it, so an older kernel may have forgotten the status; it never makes one up.
void expect_adopted_exit(const ContainerExit& exit, const ProcessIdentity& init, int status) {
  EXPECT_EQ(exit.init, init);
  if (exit.wait_status || kernel_keeps_exits()) {
    EXPECT_EQ(exit.wait_status, status);
  }
}

struct AdoptCase {
  const char* name;
  bool with_handle;
  bool with_pidfd;
};

class KeeperAdoption : public KeeperTest, public ::testing::WithParamInterface<AdoptCase> {};

TEST_P(KeeperAdoption, TakesOverContainersOfADeadKeeper) {
  TestContainer container = start("c1", "read line; echo got $line; exit 4");
  kill_keeper();
  EXPECT_EQ(client_->list().error().kind(), ErrorKind::kIo);
  EXPECT_EQ(sys_pidfd_send_signal(container.launched.pidfd.get(), 0, nullptr, 0), 0) << "the container died too";
  connect();
  EXPECT_TRUE(client_->list()->empty());

  AdoptRequest request{.name = "c1", .init = container.launched.init, .cgroup = container.cgroup_path};
  request.console = container.launched.console.get();
  if (GetParam().with_handle) request.handle = container.launched.handle;
  if (GetParam().with_pidfd) request.pidfd = container.launched.pidfd.get();
  ASSERT_EQ(*client_->adopt(request), Adoption::kAdopted);
  EXPECT_EQ(*client_->adopt(request), Adoption::kAlreadyKnown);
  const auto listed = client_->list();
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_TRUE((*listed)[0].adopted);
  EXPECT_EQ(run(container, "echo in; exit 6").wait_status, 6 << 8);

  const Fd console = std::move(*client_->attach_console("c1", Replay::kNothing));
  ASSERT_TRUE(write_all(console, "hello\n").ok());
  EXPECT_NE(read_until(console, "got hello").find("got hello"), std::string::npos);
  const ContainerExit exit = log_->wait_container("c1");
  expect_adopted_exit(exit, container.launched.init, 4 << 8);
  stop(container);
}

INSTANTIATE_TEST_SUITE_P(Proof, KeeperAdoption,
                         ::testing::Values(AdoptCase{"handle", true, false}, AdoptCase{"pid_and_start_time", false, false},
                                           AdoptCase{"kept_pidfd", false, true}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(KeeperLife, DoesNotAdoptAnotherProcess) {
  TestContainer container = start("c1", kForever);
  const AdoptRequest good{.name = "c2", .init = container.launched.init, .cgroup = container.cgroup_path};
  AdoptRequest request = good;
  request.init.start_time += 1;
  EXPECT_EQ(*client_->adopt(request), Adoption::kGone);
  request = good;
  request.cgroup = container.cgroup_path + "0";
  EXPECT_EQ(*client_->adopt(request), Adoption::kGone);
  request = good;
  request.init.pid = 1;
  request.handle = container.launched.handle;
  EXPECT_EQ(*client_->adopt(request), Adoption::kGone);
  request = good;
  request.cgroup.clear();
  EXPECT_EQ(client_->adopt(request).error().kind(), ErrorKind::kInvalid);
  stop(container);
  EXPECT_EQ(*client_->adopt(good), Adoption::kGone);
  request = good;
  request.handle = container.launched.handle;
  EXPECT_EQ(*client_->adopt(request), Adoption::kGone);
}

TEST_F(KeeperLife, LearnsTheExitOfAContainerThatEndedWithoutAKeeper) {
  TestContainer container = start("c1", "read line; exit 8");
  kill_keeper();
  ASSERT_TRUE(write_all(container.launched.console, "x\n").ok());
  ASSERT_TRUE(wait_ended(container.launched.pidfd));
  connect();
  AdoptRequest request{.name = "c1", .init = container.launched.init, .cgroup = container.cgroup_path};
  request.pidfd = container.launched.pidfd.get();
  ASSERT_EQ(*client_->adopt(request), Adoption::kAdopted);
  const ContainerExit exit = log_->wait_container("c1");
  expect_adopted_exit(exit, container.launched.init, 8 << 8);
  stop(container);
}

TEST_F(KeeperLife, EndsOnlyWhenEmptyUnlessForced) {
  TestContainer container = start("c1", kForever);
  EXPECT_EQ(client_->shutdown(Shutdown::kWhenEmpty).error().kind(), ErrorKind::kBusy);
  stop(container);
  const PidFd keeper(sys_pidfd_open(client_->keeper_pid(), 0));
  EXPECT_TRUE(client_->shutdown(Shutdown::kWhenEmpty).ok());
  EXPECT_TRUE(wait_ended(keeper));
  connect();
  EXPECT_TRUE(client_->list()->empty());
}

TEST_F(KeeperLife, SaysWhyAKeeperDidNotStart) {
  disconnect();
  KeeperOptions wrong = options_;
  wrong.cella_dir = directory_ + "/other";
  ASSERT_TRUE(make_dirs(wrong.cella_dir, 0700).ok());
  wrong.runtime_binary = "/bin/false";
  EXPECT_EQ(KeeperClient::open(wrong, {}).error().kind(), ErrorKind::kIo);
  wrong.runtime_binary = directory_ + "/absent";
  EXPECT_EQ(KeeperClient::open(wrong, {}).error().kind(), ErrorKind::kNotFound);
  connect();
}

TEST_F(KeeperLife, HoldsNothingOfItsStarter) {
  const std::string process = "/proc/" + std::to_string(client_->keeper_pid());
  EXPECT_NE(read_file(process + "/stat")->find(" 1 "), std::string::npos);
  // Standard streams, socket, procfs, epoll, two namespaces, route socket, the daemon's two sockets.
  // The answer to the client's greeting comes before the keeper has closed what it needed to start.
  for (int waited = 0; waited < 200 && keeper_descriptors() != 11; ++waited) ::usleep(10'000);
  EXPECT_EQ(keeper_descriptors(), 11u);
  char target[256] = {};
  ASSERT_GT(::readlink((process + "/exe").c_str(), target, sizeof target - 1), 0);
  EXPECT_EQ(std::string(target), "/memfd:cella-runtime (deleted)");
  const std::string mounts = *read_file(process + "/mountinfo");
  EXPECT_EQ(std::count(mounts.begin(), mounts.end(), '\n'), 3) << mounts;
}

TEST_F(KeeperLife, StaysFlatOverManyCycles) {
  const auto cycle = [&](int number) {
    TestContainer container = start("c" + std::to_string(number % 3), kForever);
    EXPECT_EQ(run(container, exec_plan({"true"})).wait_status, 0);
    (void)client_->attach_console(container.name, Replay::kBacklog);
    (void)client_->handles(container.name);
    stop(container);
  };
  for (int i = 0; i < 5; ++i) cycle(i);
  const std::size_t before = keeper_descriptors();
  for (int i = 0; i < 200 && !HasFailure(); ++i) cycle(i);
  EXPECT_EQ(keeper_descriptors(), before);
}

}  // namespace
}  // namespace cella::runtime::test
