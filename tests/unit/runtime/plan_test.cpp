#include "runtime/plan.h"

#include <gtest/gtest.h>
#include <linux/sched.h>

#include <set>

#include "runtime/capabilities.h"
#include "runtime/run_signals.h"

namespace cella::runtime {
namespace {

LaunchPlan small_plan() {
  LaunchPlan plan;
  plan.namespaces = CLONE_NEWUSER | CLONE_NEWNS;
  plan.uid_map = plan.gid_map = "0 1000000 65536\n";
  plan.mounts.root_descriptor = 0;
  plan.argv = {"/sbin/init"};
  return plan;
}

std::string problem(const LaunchPlan& plan) {
  const auto checked = check_launch_plan(plan, 1);
  return checked.ok() ? "" : checked.error().message();
}

TEST(LaunchPlan, AcceptsTheLeastThatRuns) { EXPECT_EQ(problem(small_plan()), ""); }

TEST(LaunchPlan, RefusesIndexesWithoutADescriptor) {
  LaunchPlan plan = small_plan();
  plan.cgroup = 1;
  EXPECT_NE(problem(plan).find("cgroup: no descriptor 1"), std::string::npos);
  plan = small_plan();
  plan.mounts.root_descriptor = -1;
  EXPECT_NE(problem(plan).find("root: no descriptor -1"), std::string::npos);
  plan = small_plan();
  plan.mounts.steps.push_back({.target = "mnt", .descriptor = 7});
  EXPECT_NE(problem(plan).find("mount mnt: no descriptor 7"), std::string::npos);
  plan = small_plan();
  plan.standard_streams = StandardStreams::kDescriptors;
  EXPECT_NE(problem(plan).find("standard stream"), std::string::npos);
}

TEST(LaunchPlan, RefusesWhatWouldNotIsolate) {
  LaunchPlan plan = small_plan();
  plan.namespaces = CLONE_NEWNS;
  EXPECT_NE(problem(plan), "");
  plan = small_plan();
  plan.uid_map.clear();
  EXPECT_NE(problem(plan).find("no id map"), std::string::npos);
}

TEST(LaunchPlan, RefusesTargetsThatClimb) {
  LaunchPlan plan = small_plan();
  for (const char* target : {"../etc", "a/../../b", "..", ""}) {
    plan.mounts.steps = {{.target = target, .descriptor = 0}};
    EXPECT_NE(problem(plan), "") << target;
  }
  plan.mounts.steps = {{.target = "a..b/..c", .descriptor = 0}};
  EXPECT_EQ(problem(plan), "");
}

TEST(LaunchPlan, RefusesNulBytesAndStraySysctls) {
  LaunchPlan plan = small_plan();
  plan.environment = {std::string("A=1\0B=2", 7)};
  EXPECT_NE(problem(plan).find("NUL"), std::string::npos);
  plan = small_plan();
  plan.sysctls = {{.name = "../sysrq-trigger", .value = "b"}};
  EXPECT_NE(problem(plan).find("sysctl"), std::string::npos);
}

TEST(LaunchPlan, RefusesPidOffsetsOutsideTheBatch) {
  LaunchPlan plan = small_plan();
  plan.host_batch.bytes = std::string(8, 'x');
  plan.host_batch.pid_offsets = {4};
  EXPECT_EQ(problem(plan), "");
  plan.host_batch.pid_offsets = {5};
  EXPECT_NE(problem(plan).find("offset 5"), std::string::npos);
}

TEST(LaunchStep, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (std::size_t step = 0; step < kLaunchStepCount; ++step)
    names.insert(launch_step_name(static_cast<LaunchStep>(step)));
  EXPECT_EQ(names.size(), kLaunchStepCount);
  EXPECT_EQ(launch_step_name(LaunchStep::kExecute), "execute");
  EXPECT_EQ(launch_step_name(LaunchStep::kInnerNetwork), "inner_network");
}

TEST(LaunchError, NamesStepAndObject) {
  LaunchPlan plan = small_plan();
  plan.mounts.steps.push_back({.action = namespaces::MountAction::kMaskFile, .target = "proc/keys"});
  const Error error = launch_error(plan, {.step = LaunchStep::kMounts, .errno_value = ENODEV, .index = 0});
  EXPECT_EQ(error.message(), "launch: mounts: mask /proc/keys: No such device");
  EXPECT_EQ(launch_error(plan, {.step = LaunchStep::kExecute, .errno_value = ENOENT}).kind(), ErrorKind::kNotFound);
}

TEST(Capabilities, ParseNamesInEveryForm) {
  const CapabilityMask admin = CapabilityMask{1} << 21;
  EXPECT_EQ(parse_capability("k", "CAP_SYS_ADMIN").value(), admin);
  EXPECT_EQ(parse_capability("k", "sys_admin").value(), admin);
  EXPECT_EQ(parse_capability("k", "all").value(), all_capabilities());
  EXPECT_FALSE(parse_capability("k", "").ok());
  EXPECT_EQ(capability_names(default_dropped_capabilities()),
            (std::vector<std::string>{"cap_sys_module", "cap_sys_rawio", "cap_sys_time", "cap_mac_override",
                                      "cap_mac_admin"}));
}

TEST(SignalDisposition, IsReadFromTheKernelsMasks) {
  const std::string status =
      "Name:\tsh\nSigPnd:\t0000000000000000\nSigBlk:\t0000000000000200\nSigIgn:\t0000000000000004\n"
      "SigCgt:\t0000000000004002\n";
  EXPECT_TRUE(find_disposition(status, SIGTERM).caught);   // 15: bit 14
  EXPECT_TRUE(find_disposition(status, SIGINT).caught);    // 2: bit 1
  EXPECT_TRUE(find_disposition(status, SIGQUIT).ignored);  // 3: bit 2
  EXPECT_TRUE(find_disposition(status, SIGUSR1).blocked);  // 10: bit 9
  EXPECT_FALSE(find_disposition(status, SIGHUP).caught);
}

}  // namespace
}  // namespace cella::runtime
