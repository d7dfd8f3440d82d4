// launch() itself: the base namespace, its failures, what it leaves behind. Each case runs in a process of its own,
// because entering the base namespace gives up the host's mounts.
#include "runtime/launch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "base/files.h"
#include "base/id_map.h"
#include "base/syscalls.h"
#include "namespaces/idmapped_tree.h"
#include "runtime/base_namespace.h"
#include "runtime/dev_filesystem.h"
#include "runtime/seccomp.h"
#include "tests/integration/runtime/run_container.h"
#include "tests/support/user_namespace.h"

namespace cella::runtime::test {
namespace {

// What every case starts from, made before the host's mounts go. A detached mount serves one launch.
struct Prepared {
  std::vector<Fd> roots;
  BaseNamespace base;
};

using Case = std::function<bool(Prepared&)>;

constexpr std::string_view kIdMap = "0 1000000 65536\n";

Result<Prepared> prepare(const std::string& root) {
  const Fd user_namespace = TRY(cella::test::make_user_namespace());
  const Fd directory = TRY(open_path(root, O_PATH | O_DIRECTORY));
  Prepared prepared;
  for (int copy = 0; copy < 3; ++copy)
    prepared.roots.push_back(TRY(namespaces::copy_tree(directory, {.user_namespace = &user_namespace}, root)));
  prepared.base = TRY(enter_base_namespace());
  return prepared;
}

// Runs the case in a child that has entered the base namespace; true if the case held.
bool in_base_namespace(const std::string& root, const Case& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto prepared = prepare(root);
    if (!prepared.ok()) {
      std::fprintf(stderr, "%s\n", prepared.error().message().c_str());
      ::_exit(2);
    }
    ::_exit(body(*prepared) ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

LaunchPlan plan_for(std::vector<std::string> argv) {
  LaunchPlan plan;
  plan.namespaces =
      CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  plan.uid_map = plan.gid_map = kIdMap;
  plan.mounts = namespaces::plan_mounts({.root_descriptor = 0, .dev_descriptor = 1});
  plan.argv = std::move(argv);
  plan.standard_streams = StandardStreams::kInherit;
  plan.seccomp = compile_seccomp(default_seccomp_policy()).value();
  return plan;
}

std::variant<Launched, LaunchFailure> start(Prepared& prepared, const LaunchPlan& plan) {
  const HostId root{1000000};
  const auto dev =
      make_dev_filesystem({.nodes = standard_device_nodes(root, root), .root_user = root, .root_group = root});
  if (!dev.ok()) return LaunchFailure{};
  const Fd mount = std::move(prepared.roots.back());
  prepared.roots.pop_back();
  const int descriptors[] = {mount.get(), dev->get()};
  return launch(plan, descriptors, {.procfs = &prepared.base.procfs});
}

// -1 when the launch failed.
int status_of(Prepared& prepared, const LaunchPlan& plan) {
  auto outcome = start(prepared, plan);
  if (const auto* failure = std::get_if<LaunchFailure>(&outcome)) {
    std::fprintf(stderr, "%s\n", launch_error(plan, *failure).message().c_str());
    return -1;
  }
  int status = 0;
  ::waitpid(std::get<Launched>(outcome).pid, &status, 0);
  return status;
}

class Launch : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    before_ = host_state();
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_EQ(host_state(), before_) << "something was left over";
  }
  ProbeRoot root_;
  HostState before_;
};

TEST_F(Launch, RunsOverTheEmptyBase) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    return status_of(prepared, plan_for({"/probe", "exit", "7"})) == 7 << 8;
  }));
}

TEST_F(Launch, RunsByPivotRootToo) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    LaunchPlan plan = plan_for({"/probe", "exit", "8"});
    plan.mounts.root_switch = namespaces::RootSwitch::kPivot;
    return status_of(prepared, plan) == 8 << 8;
  }));
}

TEST_F(Launch, BaseShowsNothingOfTheHost) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared&) {
    const auto names = list_names(*open_dir("/"));
    const auto processes = list_names(*open_dir("/proc"));
    for (const std::string& name : *processes)
      if (name[0] >= '0' && name[0] <= '9') return false;
    const auto links = list_names(*open_dir("/sys/class/net"));
    return names->size() == 2 && links->size() <= 1;  // at most lo
  }));
}

TEST_F(Launch, ReportsStepAndObjectOfAFailure) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    LaunchPlan plan = plan_for({"/nosuch"});
    auto missing = start(prepared, plan);
    plan = plan_for({"/probe"});
    plan.working_directory = "/nowhere";
    auto lost = start(prepared, plan);
    plan = plan_for({"/probe"});
    plan.mounts.steps.push_back({.action = namespaces::MountAction::kFilesystem, .target = "tmp", .type = "nosuchfs"});
    auto unmountable = start(prepared, plan);
    const auto is = [](const auto& outcome, LaunchStep step, int errno_value) {
      const auto* failure = std::get_if<LaunchFailure>(&outcome);
      return failure != nullptr && failure->step == step && failure->errno_value == errno_value;
    };
    return is(missing, LaunchStep::kExecute, ENOENT) && is(lost, LaunchStep::kWorkingDirectory, ENOENT) &&
           is(unmountable, LaunchStep::kFilesystems, ENODEV);
  }));
}

// Mounts handed over late work, and a child that failed before it read them still tells why.
TEST_F(Launch, TakesMountsThatAreMadeLate) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    LaunchBase base{.procfs = &prepared.base.procfs};
    base.late_mounts = [&](const Fd&) -> Result<std::vector<Fd>> {
      const HostId root{1000000};
      std::vector<Fd> mounts;
      mounts.push_back(std::move(prepared.roots.back()));
      prepared.roots.pop_back();
      mounts.push_back(TRY(
          make_dev_filesystem({.nodes = standard_device_nodes(root, root), .root_user = root, .root_group = root})));
      return mounts;
    };
    LaunchPlan plan = plan_for({"/probe", "exit", "6"});
    auto outcome = launch(plan, {}, base);
    const auto* launched = std::get_if<Launched>(&outcome);
    int status = 0;
    if (launched == nullptr || ::waitpid(launched->pid, &status, 0) < 0 || status != 6 << 8) return false;
    plan.mounts.steps.push_back({.action = namespaces::MountAction::kFilesystem, .target = "tmp", .type = "nosuchfs"});
    outcome = launch(plan, {}, base);
    const auto* failure = std::get_if<LaunchFailure>(&outcome);
    return failure != nullptr && failure->step == LaunchStep::kFilesystems && failure->errno_value == ENODEV;
  }));
}

TEST_F(Launch, LeavesNoChildAfterAFailure) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    (void)start(prepared, plan_for({"/nosuch"}));
    return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
  }));
}

TEST_F(Launch, RefusesABadIdMapAtItsStep) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    LaunchPlan plan = plan_for({"/probe"});
    plan.uid_map = "0 1000000 0\n";
    auto outcome = start(prepared, plan);
    const auto* failure = std::get_if<LaunchFailure>(&outcome);
    return failure != nullptr && failure->step == LaunchStep::kIdMap && failure->errno_value == EINVAL;
  }));
}

// The console's master arrives, and what the container writes comes out of it.
TEST_F(Launch, HandsOverTheConsole) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    LaunchPlan plan = plan_for({"/probe", "tty"});
    plan.standard_streams = StandardStreams::kConsole;
    plan.console_rows = 33;
    plan.console_columns = 99;
    auto outcome = start(prepared, plan);
    auto* launched = std::get_if<Launched>(&outcome);
    if (launched == nullptr || !launched->console_master) return false;
    char text[256] = {};
    const ssize_t length = ::read(launched->console_master.get(), text, sizeof text - 1);
    ::waitpid(launched->pid, nullptr, 0);
    return length > 0 && std::string(text).starts_with("tty /dev/pts/0 33 99 pgrp 1");
  }));
}

TEST_F(Launch, TimesItsSteps) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    auto outcome = start(prepared, plan_for({"/probe", "exit", "0"}));
    const auto* launched = std::get_if<Launched>(&outcome);
    if (launched == nullptr) return false;
    ::waitpid(launched->pid, nullptr, 0);
    std::uint64_t sum = 0;
    for (const std::uint64_t step : launched->timings.step_ns) sum += step;
    const auto step = [&](LaunchStep which) { return launched->timings.step_ns[static_cast<std::size_t>(which)]; };
    return step(LaunchStep::kClone) > 0 && step(LaunchStep::kMounts) > 0 && step(LaunchStep::kExecute) > 0 &&
           sum <= launched->timings.total_ns * 2;
  }));
}

TEST_F(Launch, WritesSysctlsOfItsNamespaces) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    LaunchPlan plan = plan_for({"/probe", "exit", "0"});
    plan.sysctls = {{.name = "net/ipv4/ip_forward", .value = "1"}};
    if (status_of(prepared, plan) != 0) return false;
    plan.sysctls = {{.name = "kernel/nosuch", .value = "1"}};
    auto outcome = start(prepared, plan);
    const auto* failure = std::get_if<LaunchFailure>(&outcome);
    return failure != nullptr && failure->step == LaunchStep::kSysctls && failure->errno_value == ENOENT;
  }));
}

TEST_F(Launch, MakesDirectoriesFilesAndLinksOfThePlan) {
  EXPECT_TRUE(in_base_namespace(root_.path(), [](Prepared& prepared) {
    using namespaces::MountAction;
    LaunchPlan plan = plan_for({"/probe", "exit", "0"});
    plan.mounts.steps.push_back({.action = MountAction::kDirectory, .target = "srv/a/b", .mode = 0700});
    plan.mounts.steps.push_back({.action = MountAction::kFile, .target = "srv/a/file", .mode = 0640});
    plan.mounts.steps.push_back({.action = MountAction::kSymlink, .target = "srv/a/link", .source = "file"});
    plan.mounts.steps.push_back({.action = MountAction::kReadOnly, .target = "srv/a"});
    return status_of(prepared, plan) == 0;
  }));
  struct stat status {};
  ASSERT_EQ(::stat((root_.path() + "/srv/a/b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  EXPECT_EQ(status.st_uid, 0u);
  ASSERT_EQ(::lstat((root_.path() + "/srv/a/link").c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
}

}  // namespace
}  // namespace cella::runtime::test
