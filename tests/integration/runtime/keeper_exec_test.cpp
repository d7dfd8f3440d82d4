// Processes run inside a running container.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/files.h"
#include "base/syscalls.h"
#include "keeper_fixture.h"

namespace cella::runtime::test {
namespace {

constexpr const char* kForever = "while :; do sleep 1000; done";

class KeeperExec : public KeeperTest {
 protected:
  void SetUp() override {
    KeeperTest::SetUp();
    if (client_) container_ = start("c1", kForever);
  }
  void TearDown() override {
    if (client_) stop(container_);
    KeeperTest::TearDown();
  }

  Result<ExecSession> open_terminal(const std::string& script) {
    ExecPlan plan = exec_plan({"sh", "-c", script});
    plan.terminal = TerminalSize{.columns = 132, .rows = 43};
    return client_->exec("c1", plan, container_.leaf.get(), {}, log_exit());
  }
  ExecFailure failure_of(const ExecPlan& plan) {
    ExecFailure failure;
    const auto session = client_->exec("c1", plan, container_.leaf.get(), {null_.get(), null_.get(), null_.get()}, log_exit(), &failure);
    EXPECT_FALSE(session.ok());
    return failure;
  }

  TestContainer container_;
  Fd null_ = std::move(*open_path("/dev/null", O_RDWR));
};

TEST_F(KeeperExec, KeepsStreamsApartAndReturnsTheStatus) {
  const ExecOutcome outcome = run(container_, exec_plan({"sh", "-c", "cat; echo wrong >&2; exit 42"}), "input");
  EXPECT_EQ(outcome.output, "input");
  EXPECT_EQ(outcome.errors, "wrong\n");
  EXPECT_EQ(outcome.wait_status, 42 << 8);
}

TEST_F(KeeperExec, StandsInsideEveryNamespaceOfTheContainer) {
  const std::string script =
      "hostname; id -u; pwd; test $(cat /proc/1/comm) = sh && echo init; "
      "for n in user mnt pid net ipc uts cgroup; do test /proc/1/ns/$n -ef /proc/self/ns/$n && echo $n; done";
  EXPECT_EQ(run(container_, script).output,
            "inside\n0\n/\ninit\nuser\nmnt\npid\nnet\nipc\nuts\ncgroup\n");
}

TEST_F(KeeperExec, RunsInTheLeafCgroup) {
  EXPECT_EQ(run(container_, "grep ^0:: /proc/self/cgroup").output, "0::/.lxc\n");
}

TEST_F(KeeperExec, HasWhatInitHasAndNoMore) {
  const std::string script = "grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|Seccomp):' /proc/$1/status";
  const std::string mine = run(container_, exec_plan({"sh", "-c", script, "sh", "self"})).output;
  const std::string of_init = run(container_, exec_plan({"sh", "-c", script, "sh", "1"})).output;
  EXPECT_EQ(mine, of_init);
  EXPECT_NE(mine.find("Seccomp:\t2"), std::string::npos) << mine;
  EXPECT_NE(mine.find("CapInh:\t0000000000000000"), std::string::npos) << mine;
  EXPECT_NE(mine.find("CapAmb:\t0000000000000000"), std::string::npos) << mine;
}

TEST_F(KeeperExec, OwnsOnlyItsThreeDescriptors) {
  // The fourth is ls's own, of the directory it reads.
  EXPECT_EQ(run(container_, exec_plan({"ls", "/proc/self/fd"})).output, "0\n1\n2\n3\n");
}

TEST_F(KeeperExec, TakesIdsGroupsAndDirectory) {
  ExecPlan plan = exec_plan({"sh", "-c", "id -u; id -g; id -G; pwd; grep -E '^CapEff' /proc/self/status"});
  plan.user = 1000;
  plan.group = 1001;
  plan.groups = {5, 1001};
  plan.working_directory = "/tmp";
  EXPECT_EQ(run(container_, plan).output, "1000\n1001\n1001 5\n/tmp\nCapEff:\t0000000000000000\n");
}

TEST_F(KeeperExec, SetsLimitsAndDoesNotHandOnTheKeepersOwn) {
  rlimit own{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &own), 0);
  ExecPlan plan = exec_plan({"sh", "-c", "ulimit -Sn; ulimit -Su"});
  plan.resource_limits = {{RLIMIT_NPROC, 777, 888}};
  EXPECT_EQ(run(container_, plan).output, std::to_string(own.rlim_cur) + "\n777\n");
  const std::string limits = run(container_, "grep 'open files' /proc/1/limits").output;
  EXPECT_NE(limits.find(" " + std::to_string(own.rlim_cur) + " "), std::string::npos) << limits;
}

TEST_F(KeeperExec, SetsTheOomScore) {
  ExecPlan plan = exec_plan({"cat", "/proc/self/oom_score_adj"});
  plan.has_oom_score_adj = true;
  plan.oom_score_adj = 700;
  EXPECT_EQ(run(container_, plan).output, "700\n");
}

TEST_F(KeeperExec, TellsMissingFromNotExecutable) {
  EXPECT_EQ(failure_of(exec_plan({"absent"})).step, ExecStep::kExecute);
  EXPECT_EQ(failure_of(exec_plan({"absent"})).errno_value, ENOENT);
  EXPECT_EQ(failure_of(exec_plan({"/etc"})).errno_value, EACCES);
  EXPECT_EQ(run(container_, "echo x > /tmp/plain").wait_status, 0);
  EXPECT_EQ(failure_of(exec_plan({"/tmp/plain"})).errno_value, EACCES);
  ExecPlan nowhere = exec_plan({"true"});
  nowhere.working_directory = "/absent";
  EXPECT_EQ(failure_of(nowhere).step, ExecStep::kWorkingDirectory);
  // None of them is left, neither as a process nor as a record; the one that ran goes when its exit is acknowledged.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while ((*client_->list())[0].sessions != 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ((*client_->list())[0].sessions, 0u);
}

TEST_F(KeeperExec, ReportsDeathBySignal) {
  EXPECT_EQ(run(container_, "kill -TERM $$").wait_status, SIGTERM);
}

TEST_F(KeeperExec, SignalsASession) {
  const Pipe out = std::move(*make_pipe());
  const ExecStreams streams{null_.get(), out.write_end.get(), null_.get()};
  const auto session = client_->exec("c1", exec_plan({"sh", "-c", "trap 'exit 5' HUP; echo up; while :; do sleep 0.01; done"}),
                                     container_.leaf.get(), streams, log_exit());
  ASSERT_TRUE(session.ok());
  read_until(out.read_end, "up");
  ASSERT_TRUE(client_->signal_session(session->id, SIGHUP).ok());
  EXPECT_EQ(log_->wait_session(session->id).wait_status, 5 << 8);
  EXPECT_EQ(client_->signal_session(session->id, SIGHUP).error().kind(), ErrorKind::kNotFound);
}

TEST_F(KeeperExec, OpensATerminalOfTheContainer) {
  auto session = open_terminal("stty size; tty; read x; echo got $x");
  ASSERT_TRUE(session.ok()) << session.error().message();
  const std::string start = read_until(session->terminal, "/dev/pts/");
  EXPECT_NE(start.find("43 132"), std::string::npos) << start;
  ASSERT_TRUE(write_all(session->terminal, "hello\n").ok());
  EXPECT_NE(read_until(session->terminal, "got hello").find("got hello"), std::string::npos);
  EXPECT_EQ(log_->wait_session(session->id).wait_status, 0);
}

TEST_F(KeeperExec, ResizesATerminalThroughItsMaster) {
  auto session = open_terminal("trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.01; done");
  ASSERT_TRUE(session.ok());
  read_until(session->terminal, "up");
  const winsize window{50, 99, 0, 0};
  ASSERT_EQ(::ioctl(session->terminal.get(), TIOCSWINSZ, &window), 0);
  EXPECT_NE(read_until(session->terminal, "50 99").find("50 99"), std::string::npos);
}

TEST_F(KeeperExec, RefusesWhateverElseStandsAtPtmx) {
  ASSERT_EQ(run(container_, "mount -t tmpfs none /dev/pts && echo > /dev/pts/ptmx").wait_status, 0);
  ExecFailure failure;
  ExecPlan plan = exec_plan({"true"});
  plan.terminal = TerminalSize{};
  const auto session = client_->exec("c1", plan, container_.leaf.get(), {}, log_exit(), &failure);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(failure.step, ExecStep::kTerminal);
  EXPECT_EQ(failure.errno_value, ENOTTY);
}

TEST_F(KeeperExec, LetsATerminalSessionOutliveTheDaemon) {
  auto session = open_terminal("read x; seq 20000; exit 11");
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(write_all(session->terminal, "go\n").ok());
  disconnect();
  session->terminal.reset();
  // Far more output than a pty holds: it ends only if somebody reads, and is hung up if nobody holds the terminal.
  ASSERT_TRUE(wait_ended(session->pidfd));
  connect();
  EXPECT_EQ(log_->wait_session(session->id).wait_status, 11 << 8);
}

TEST_F(KeeperExec, ReportsSessionsThatEndAfterTheKeeperDied) {
  const Pipe in = std::move(*make_pipe());
  const ExecStreams streams{in.read_end.get(), null_.get(), null_.get()};
  const auto session = client_->exec("c1", exec_plan({"sh", "-c", "read x; exit 13"}), container_.leaf.get(), streams, log_exit());
  ASSERT_TRUE(session.ok());
  kill_keeper();
  connect();
  const AdoptRequest request{.name = "c1", .init = container_.launched.init, .cgroup = container_.cgroup_path};
  ASSERT_EQ(*client_->adopt(request), Adoption::kAdopted);
  ASSERT_TRUE(write_all(in.write_end, "x\n").ok());
  const ExecExit exit = log_->wait_session(session->id);
  // Nobody's child any more: an older kernel may have forgotten the status.
  if (exit.wait_status || kernel_keeps_exits()) {
    EXPECT_EQ(exit.wait_status, 13 << 8);
  }
}

TEST_F(KeeperExec, LeavesTheNextLaunchInTheRightPidNamespace) {
  EXPECT_EQ(run(container_, "true").wait_status, 0);
  (void)failure_of(exec_plan({"absent"}));
  TestContainer other = start("c2", kForever);
  // A process whose PID namespace were nested in c1's would have three numbers.
  const std::string status = *read_file("/proc/" + std::to_string(other.launched.init.pid) + "/status");
  EXPECT_NE(status.find("NSpid:\t" + std::to_string(other.launched.init.pid) + "\t1\n"), std::string::npos) << status;
  stop(other);
}

TEST_F(KeeperExec, EndsWithItsContainer) {
  const ExecStreams streams{null_.get(), null_.get(), null_.get()};
  const auto session = client_->exec("c1", exec_plan({"sleep", "1000"}), container_.leaf.get(), streams, log_exit());
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(client_->signal("c1", SIGKILL).ok());
  EXPECT_EQ(log_->wait_session(session->id).wait_status, SIGKILL);
}

TEST_F(KeeperExec, RefusesAnUnknownContainer) {
  const ExecStreams streams{null_.get(), null_.get(), null_.get()};
  const auto session = client_->exec("other", exec_plan({"true"}), container_.leaf.get(), streams, log_exit());
  EXPECT_EQ(session.error().kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace cella::runtime::test
