// What a container made by `cella-runtime run` is and is not, on the real kernel.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "base/files.h"
#include "base/syscalls.h"
#include "cgroups/hierarchy.h"
#include "tests/integration/runtime/run_container.h"

namespace cella::runtime::test {
namespace {

class Run : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    before_ = host_state();
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_EQ(host_state(), before_) << "something was left over";
  }

  std::map<std::string, std::string> probe(const std::vector<std::string>& options = {}) {
    const RunResult result = root_.run(options, {"/probe"});
    EXPECT_EQ(result.status, 0) << result.errors;
    return parse_lines(result.output);
  }

  // The id a file in the root has on disk.
  unsigned owner_on_disk(const std::string& file) {
    struct stat status {};
    EXPECT_EQ(::stat((root_.path() + file).c_str(), &status), 0);
    return status.st_uid;
  }

  ProbeRoot root_;
  HostState before_;
};

TEST_F(Run, MakesRootOfAnUnprivilegedContainer) {
  auto seen = probe({"--hostname", "box"});
  EXPECT_EQ(seen["uid"], "0");
  EXPECT_EQ(seen["gid"], "0");
  EXPECT_EQ(seen["groups"], "0");
  EXPECT_EQ(seen["pid"], "1");
  EXPECT_EQ(seen["hostname"], "box");
  EXPECT_EQ(seen["umask"], "22");
}

TEST_F(Run, GivesEveryNamespaceOfItsOwn) {
  auto seen = probe();
  for (const char* name : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}) {
    char host[64] = {};
    ASSERT_GT(::readlink(("/proc/self/ns/" + std::string(name)).c_str(), host, sizeof host - 1), 0);
    EXPECT_NE(seen["ns-" + std::string(name)], host) << name;
    EXPECT_NE(seen["ns-" + std::string(name)], "") << name;
  }
}

TEST_F(Run, SharesTheHostsNetworkOnlyWhenAsked) {
  auto seen = probe({"--net", "host"});
  char host[64] = {};
  ASSERT_GT(::readlink("/proc/self/ns/net", host, sizeof host - 1), 0);
  EXPECT_EQ(seen["ns-net"], host);
  EXPECT_NE(root_.run({"--net", "host"}, {"/probe", "write", "/sys/kernel/mm/ksm/run", "0"}).output, "0\n");
}

TEST_F(Run, HasNoInheritableOrAmbientCapabilitiesAndABoundedRest) {
  auto seen = probe();
  EXPECT_EQ(seen["CapInh"], "0000000000000000");
  EXPECT_EQ(seen["CapAmb"], "0000000000000000");
  EXPECT_EQ(seen["CapBnd"], "000001fcfdfcffff");
  EXPECT_EQ(seen["CapEff"], "000001fcfdfcffff");
  EXPECT_EQ(probe({"--cap-drop", "all", "--cap-add", "kill"})["CapEff"], "0000000000000020");
}

TEST_F(Run, FiltersSystemCalls) {
  auto seen = probe();
  EXPECT_EQ(seen["Seccomp"], "2");
  EXPECT_EQ(seen["call-keyctl"], std::to_string(ENOSYS));
  EXPECT_EQ(seen["call-bpf"], std::to_string(EPERM));
  EXPECT_EQ(seen["call-tiocsti"], std::to_string(EPERM));
  EXPECT_EQ(seen["call-audit"], std::to_string(EAFNOSUPPORT));
  EXPECT_EQ(seen["call-mount"], "0");  // inside its own namespaces it may mount
  EXPECT_EQ(probe({"--seccomp", "none"})["Seccomp"], "0");
}

TEST_F(Run, TakesAPolicyFile) {
  const std::string policy = root_.path() + "/policy";
  ASSERT_TRUE(write_all(*open_path(policy, O_WRONLY | O_CREAT, 0600), "2\ndenylist\nmount errno 99\n").ok());
  EXPECT_EQ(probe({"--seccomp", policy})["call-mount"], "99");
  ASSERT_TRUE(write_all(*open_path(policy, O_WRONLY | O_TRUNC), "2\ndenylist\nmuont errno 99\n").ok());
  const RunResult refused = root_.run({"--seccomp", policy}, {"/probe"});
  EXPECT_EQ(refused.status, 125);
  EXPECT_NE(refused.errors.find("line 3: system call \"muont\""), std::string::npos) << refused.errors;
}

TEST_F(Run, LeavesNoDescriptorAndNoSignalStateBehind) {
  auto seen = probe();
  EXPECT_EQ(seen["fds"], "0,1,2");
  EXPECT_EQ(seen["SigBlk"], "0000000000000000");
  EXPECT_EQ(seen["SigIgn"], "0000000000000000");
}

TEST_F(Run, MakesAFreshDev) {
  auto seen = probe();
  EXPECT_EQ(seen["node-/dev/null"], "c 1:3 666 0");
  EXPECT_EQ(seen["node-/dev/tty"], "c 5:0 666 0");
  EXPECT_EQ(seen["node-/dev/console"], "c 1:3 666 0");  // nobody listens without --tty
  EXPECT_EQ(seen["node-/dev/sda"], "errno 2");
  EXPECT_EQ(seen["call-mknod"], std::to_string(EPERM));
}

TEST_F(Run, MasksWhatTellsAboutTheHost) {
  EXPECT_EQ(root_.run({}, {"/probe", "cat", "/proc/keys"}).output, "");
  EXPECT_EQ(root_.run({}, {"/probe", "cat", "/proc/timer_list"}).output, "");
  const RunResult nodes = root_.run({}, {"/probe", "stat", "/proc/sysrq-trigger", "/sys/firmware"});
  auto seen = parse_lines(nodes.output);
  // What this kernel does not have cannot be masked.
  const bool has_sysrq = ::access("/proc/sysrq-trigger", F_OK) == 0;
  const bool has_firmware = ::access("/sys/firmware", F_OK) == 0;
  EXPECT_EQ(seen["node-/proc/sysrq-trigger"], has_sysrq ? "c 1:3 666 0" : "errno 2");
  EXPECT_EQ(seen["node-/sys/firmware"], has_firmware ? "d 0:0 555 0" : "errno 2");
  EXPECT_NE(root_.run({}, {"/probe", "write", "/sys/firmware/x", "y"}).output, "0\n");
}

TEST_F(Run, WritesFilesWithContainerIdsOnDisk) {
  EXPECT_EQ(root_.run({}, {"/probe", "write", "/tmp/file", "text"}).output, "0\n");
  EXPECT_EQ(owner_on_disk("/tmp/file"), 0u);
}

TEST_F(Run, ReadOnlyRefusesWrites) {
  EXPECT_EQ(root_.run({"--read-only"}, {"/probe", "write", "/tmp/file", "text"}).output, std::to_string(EROFS) + "\n");
}

TEST_F(Run, OverlayThrowsWritesAway) {
  EXPECT_EQ(root_.run({"--overlay"}, {"/probe", "write", "/tmp/file", "text"}).output, "0\n");
  EXPECT_FALSE(path_exists(root_.path() + "/tmp/file"));
}

TEST_F(Run, BindsHostPathsReadOnlyAndWritable) {
  const std::string shared = root_.path() + "/tmp/shared";
  ASSERT_EQ(::mkdir(shared.c_str(), 0777), 0);
  ASSERT_EQ(::chmod(shared.c_str(), 0777), 0);
  ASSERT_TRUE(write_all(*open_path(shared + "/in", O_WRONLY | O_CREAT, 0644), "hello").ok());
  const std::vector<std::string> options = {"--bind", shared + ":/mnt/rw", "--bind", shared + ":/mnt/ro:ro"};
  EXPECT_EQ(root_.run(options, {"/probe", "cat", "/mnt/ro/in"}).output, "hello");
  EXPECT_EQ(root_.run(options, {"/probe", "write", "/mnt/ro/out", "x"}).output, std::to_string(EROFS) + "\n");
  EXPECT_EQ(root_.run(options, {"/probe", "write", "/mnt/rw/out", "x"}).output, "0\n");
  struct stat status {};
  ASSERT_EQ(::stat((shared + "/out").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1000000u);  // owners are not shifted
}

TEST_F(Run, BindsAFileOnAMissingTarget) {
  const std::string file = root_.path() + "/etc/source";
  ASSERT_TRUE(write_all(*open_path(file, O_WRONLY | O_CREAT, 0644), "one").ok());
  EXPECT_EQ(root_.run({"--bind", file + ":/new/place"}, {"/probe", "cat", "/new/place"}).output, "one");
}

// SECURITY C1: an image whose /dev points elsewhere must not get our device nodes or mounts there.
TEST_F(Run, RefusesARootWhoseDevIsALink) {
  ASSERT_EQ(::rmdir((root_.path() + "/dev").c_str()), 0);
  ASSERT_EQ(::symlink("/tmp", (root_.path() + "/dev").c_str()), 0);
  const RunResult refused = root_.run({}, {"/probe"});
  EXPECT_EQ(refused.status, 125);
  EXPECT_NE(refused.errors.find("launch: mounts: attach /dev: "), std::string::npos) << refused.errors;
}

TEST_F(Run, KeepsALinkOfABindTargetInsideTheRoot) {
  ASSERT_EQ(::symlink("../../../../../../etc", (root_.path() + "/escape").c_str()), 0);
  const std::string file = root_.path() + "/tmp/source";
  ASSERT_TRUE(write_all(*open_path(file, O_WRONLY | O_CREAT, 0644), "mine").ok());
  const RunResult result = root_.run({"--bind", file + ":/escape/cella-test"}, {"/probe", "cat", "/etc/cella-test"});
  EXPECT_EQ(result.output, "mine") << result.errors;
  EXPECT_FALSE(path_exists("/etc/cella-test"));
}

TEST_F(Run, PassesExitStatusesOn) {
  EXPECT_EQ(root_.run({}, {"/probe", "exit", "0"}).status, 0);
  EXPECT_EQ(root_.run({}, {"/probe", "exit", "42"}).status, 42);
  EXPECT_EQ(root_.run({}, {"/probe", "exit", "255"}).status, 255);
}

TEST_F(Run, TellsAMissingCommandFromAnUnusableOne) {
  const RunResult missing = root_.run({}, {"nosuch"});
  EXPECT_EQ(missing.status, 127);
  EXPECT_NE(missing.errors.find("execute nosuch: No such file"), std::string::npos) << missing.errors;
  EXPECT_EQ(root_.run({}, {"/etc"}).status, 126);
}

TEST_F(Run, FailsWithItsOwnStatusAndNamesTheCause) {
  EXPECT_EQ(root_.run({"--memory", "lots"}, {"/probe"}).status, 125);
  Program program = root_.program({}, {"/probe"});
  program.arguments[2] = "/nonexistent-root";
  const auto output = run_program(program);
  EXPECT_NE(output->errors.find("--rootfs: open /nonexistent-root"), std::string::npos) << output->errors;
}

// Starts a program in a container, waits for its first line, signals `run`, and returns the exit status of `run`.
int status_after_signal(const ProbeRoot& root, const std::vector<std::string>& command, int signal) {
  auto pipe = make_pipe();
  Program program = root.program({}, command);
  program.standard_output = pipe->write_end.get();
  const auto child = spawn(program);
  EXPECT_TRUE(child.ok());
  pipe->write_end.reset();
  char line[16] = {};
  EXPECT_GT(::read(pipe->read_end.get(), line, sizeof line), 0);
  EXPECT_EQ(sys_pidfd_send_signal(child->pidfd.get(), signal, nullptr, 0), 0);
  const int status = wait_child(*child).value();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST_F(Run, PassesSignalsToAProgramThatTakesThem) {
  EXPECT_EQ(status_after_signal(root_, {"/probe", "trap", "15"}, SIGTERM), 40 + SIGTERM);
  EXPECT_EQ(status_after_signal(root_, {"/probe", "trap", "1"}, SIGHUP), 40 + SIGHUP);
}

TEST_F(Run, EndsAProgramThatDoesNotHandleTheSignal) {
  EXPECT_EQ(status_after_signal(root_, {"/probe", "wait"}, SIGTERM), 128 + SIGTERM);
  EXPECT_EQ(status_after_signal(root_, {"/probe", "wait"}, SIGINT), 128 + SIGINT);
}

// A launcher that ignores SIGCHLD and has no standard streams, as some supervisors leave their children.
TEST_F(Run, CopesWithABareCaller) {
  const Program program = root_.program({}, {"/probe", "exit", "9"});
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> arguments = {const_cast<char*>(program.path.c_str())};
    for (const std::string& argument : program.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    ::signal(SIGCHLD, SIG_IGN);
    for (int standard = 0; standard < 3; ++standard) ::close(standard);
    ::execv(arguments[0], arguments.data());
    ::_exit(99);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 9);
}

TEST_F(Run, DiesWithItsLauncher) {
  auto pipe = make_pipe();
  Program program = root_.program({}, {"/probe", "wait"});
  program.standard_output = pipe->write_end.get();
  const auto child = spawn(program);
  pipe->write_end.reset();
  char line[16] = {};
  EXPECT_GT(::read(pipe->read_end.get(), line, sizeof line), 0);
  sys_pidfd_send_signal(child->pidfd.get(), SIGKILL, nullptr, 0);
  ASSERT_TRUE(wait_child(*child).ok());
  // The container held the other end of the pipe: its death is the end of file.
  EXPECT_EQ(::read(pipe->read_end.get(), line, sizeof line), 0);
  // Nobody was left to remove the cgroup.
  const auto hierarchy = cgroups::Hierarchy::find();
  ASSERT_TRUE(hierarchy.ok());
  EXPECT_TRUE(hierarchy->destroy("cella.run." + std::to_string(child->pid), std::chrono::seconds(5)).ok());
}

}  // namespace
}  // namespace cella::runtime::test
