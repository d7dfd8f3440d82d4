#include "runtime/keeper_process.h"

#include <gtest/gtest.h>

#include "runtime/adopt.h"
#include "runtime/exec.h"
#include "runtime/exec_change.h"

namespace cella::runtime {
namespace {

TEST(ProcessStat, IsReadBehindAnyCommand) {
  std::string fields = " Z";
  for (int field = 4; field <= 51; ++field) fields += " " + std::to_string(field == 22 ? 987654 : field);
  fields += " 1792\n";
  for (const char* command : {"sh", "a b", "x) y (z", ") 1 2 3", ""}) {
    const auto stat = parse_stat("42 (" + std::string(command) + ")" + fields);
    ASSERT_TRUE(stat.ok()) << command;
    EXPECT_EQ(stat->start_time, 987654u);
    EXPECT_EQ(stat->state, 'Z');
    EXPECT_EQ(stat->exit_code, 7 << 8);
  }
  EXPECT_FALSE(parse_stat("").ok());
  EXPECT_FALSE(parse_stat("42 (sh) S 1 2").ok());
  EXPECT_FALSE(parse_stat("42 (sh) S 1 2 ").ok());
  EXPECT_FALSE(parse_stat("42 sh S 1 2").ok());
}

TEST(ProcessCgroup, TakesTheLineOfVersionTwo) {
  EXPECT_EQ(*parse_cgroup("12:cpu:/x\n1:name=systemd:/y\n0::/lxc.payload.c1/init.scope\n"), "/lxc.payload.c1/init.scope");
  EXPECT_EQ(*parse_cgroup("0::/"), "/");
  EXPECT_FALSE(parse_cgroup("12:cpu:/x\n").ok());
  EXPECT_FALSE(parse_cgroup("").ok());
}

TEST(ProcessCgroup, KnowsWhatLiesBelow) {
  EXPECT_TRUE(is_within_cgroup("/lxc.payload.c1", "/lxc.payload.c1"));
  EXPECT_TRUE(is_within_cgroup("/lxc.payload.c1/init.scope", "/lxc.payload.c1"));
  EXPECT_FALSE(is_within_cgroup("/lxc.payload.c10", "/lxc.payload.c1"));
  EXPECT_FALSE(is_within_cgroup("/", "/lxc.payload.c1"));
  EXPECT_TRUE(is_within_cgroup("/anything", "/"));
}

ExecPlan command(const std::string& name, const std::string& path) {
  ExecPlan plan;
  plan.argv = {name};
  plan.environment = {"HOME=/root", path};
  return plan;
}

TEST(ExecCommand, IsSearchedInThePathOfItsEnvironment) {
  EXPECT_EQ(command_candidates(command("ls", "PATH=/a:/b")), (std::vector<std::string>{"/a/ls", "/b/ls"}));
  EXPECT_EQ(command_candidates(command("ls", "PATH=:/b:")), (std::vector<std::string>{"/b/ls"}));
  EXPECT_EQ(command_candidates(command("./ls", "PATH=/a")), (std::vector<std::string>{"./ls"}));
  EXPECT_EQ(command_candidates(command("ls", "OTHER=1")).front(), "/usr/local/sbin/ls");
  EXPECT_TRUE(command_candidates(command("ls", "PATH=")).empty());
}

TEST(ExecPlan, IsCheckedBeforeAnythingIsMade) {
  const auto refused = [](auto&& change) {
    ExecPlan plan = command("ls", "PATH=/bin");
    change(plan);
    const auto checked = check_exec_plan(plan);
    return !checked.ok() && checked.error().kind() == ErrorKind::kInvalid;
  };
  EXPECT_FALSE(refused([](ExecPlan&) {}));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.argv.clear(); }));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.argv = {""}; }));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.argv.emplace_back("a\0b", 3); }));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.environment.emplace_back("a\0b", 3); }));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.working_directory = "tmp"; }));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.working_directory.clear(); }));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.oom_score_adj = 1001; }));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.seccomp.resize(4097); }));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.resource_limits = {{99, 1, 2}}; }));
  EXPECT_TRUE(refused([](ExecPlan& plan) { plan.resource_limits = {{7, 3, 2}}; }));
}

TEST(ExecError, TellsMissingFromNotExecutable) {
  const ExecPlan plan = command("nope", "PATH=/bin");
  const Error missing = exec_error(plan, {ExecStep::kExecute, ENOENT});
  EXPECT_EQ(missing.kind(), ErrorKind::kNotFound);
  EXPECT_NE(missing.what().find("nope"), std::string::npos);
  EXPECT_EQ(exec_error(plan, {ExecStep::kExecute, EACCES}).kind(), ErrorKind::kDenied);
}

TEST(ContainerChange, RefusesPathsThatClimb) {
  for (const char* bad : {"", "relative", "/a/../b", "/a//b", "/a/.", "/", "/a/"}) {
    EXPECT_FALSE(check_change(MountAttachment{bad}).ok()) << bad;
    EXPECT_FALSE(check_change(MountDetachment{bad}).ok()) << bad;
  }
  EXPECT_TRUE(check_change(MountAttachment{"/mnt/data"}).ok());
  for (const char* bad : {"", "/dev/null", "../etc/passwd", "dri/../x", "dri/"})
    EXPECT_FALSE(check_change(DeviceRemoval{bad}).ok()) << bad;
  EXPECT_TRUE(check_change(DeviceRemoval{"dri/card0"}).ok());
}

}  // namespace
}  // namespace cella::runtime
