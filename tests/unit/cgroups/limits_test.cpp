#include "cgroups/limits.h"

#include <gtest/gtest.h>

#include "fake_tree.h"

namespace cella::cgroups {
namespace {

using std::chrono::microseconds;

constexpr Bytes kMiB64{67108864};
constexpr Bytes kMiB32{33554432};

std::vector<std::string> as_text(const std::vector<LimitWrite>& writes) {
  std::vector<std::string> lines;
  for (const LimitWrite& write : writes) lines.push_back(write.file + "=" + write.value);
  return lines;
}
using Lines = std::vector<std::string>;

TEST(LimitPlan, WritesNothingWithoutLimits) { EXPECT_TRUE(plan_limit_changes({}, {}).empty()); }

TEST(LimitPlan, WritesEachLimitOnce) {
  Limits limits{.cpu_weight = 50,
                .cpu_max = CpuQuota{microseconds(25000), microseconds(100000)},
                .cpus = CpuSet({0, 1}),
                .memory_max = kMiB64,
                .memory_low = Bytes{60397977},
                .swap_max = kMiB64,
                .pids_max = 20,
                .io_weight = 500,
                .io_max = {{.device = {254, 0}, .read_bytes = 1}},
                .hugetlb_max = {{"2MB", Bytes{4194304}}}};
  EXPECT_EQ(as_text(plan_limit_changes({}, limits)),
            (Lines{"memory.max=67108864", "memory.swap.max=67108864", "memory.low=60397977", "cpu.weight=50",
                   "cpu.max=25000 100000", "cpuset.cpus=0-1", "pids.max=20", "io.weight=default 500",
                   "io.max=254:0 rbps=1 wbps=max riops=max wiops=max", "hugetlb.2MB.max=4194304"}));
  EXPECT_TRUE(plan_limit_changes(limits, limits).empty());
}

TEST(LimitPlan, RemovalRestoresEveryDefault) {
  Limits limits{.cpu_weight = 50,
                .cpu_max = CpuQuota{microseconds(25000), microseconds(50000)},
                .cpus = CpuSet({0}),
                .memory_max = kMiB64,
                .memory_low = kMiB32,
                .swap_max = Bytes{0},
                .pids_max = 20,
                .io_weight = 500,
                .io_max = {{.device = {254, 0}, .read_bytes = 1}},
                .hugetlb_max = {{"2MB", Bytes{4194304}}}};
  EXPECT_EQ(as_text(plan_limit_changes(limits, {})),
            (Lines{"memory.swap.max=max", "memory.max=max", "memory.low=0", "cpu.weight=100", "cpu.max=max 100000",
                   "cpuset.cpus=", "pids.max=max", "io.weight=default 100",
                   "io.max=254:0 rbps=max wbps=max riops=max wiops=max", "hugetlb.2MB.max=max"}));
}

TEST(LimitPlan, WidensSwapBeforeMemoryShrinksAndNarrowsItAfter) {
  const Limits no_swap{.memory_max = kMiB64, .swap_max = Bytes{0}};
  const Limits with_swap{.memory_max = kMiB32, .swap_max = kMiB32};
  EXPECT_EQ(as_text(plan_limit_changes(no_swap, with_swap)), (Lines{"memory.swap.max=33554432", "memory.max=33554432"}));
  EXPECT_EQ(as_text(plan_limit_changes(with_swap, no_swap)), (Lines{"memory.max=67108864", "memory.swap.max=0"}));
}

TEST(LimitPlan, ADeviceThatVanishesIsReset) {
  const Limits before{.io_max = {{.device = {7, 0}, .read_bytes = 1}, {.device = {254, 0}, .read_bytes = 1}}};
  const Limits after{.io_max = {{.device = {254, 0}, .read_bytes = 2}, {.device = {7, 1}, .write_operations = 3}}};
  EXPECT_EQ(as_text(plan_limit_changes(before, after)),
            (Lines{"io.max=7:0 rbps=max wbps=max riops=max wiops=max", "io.max=254:0 rbps=2 wbps=max riops=max wiops=max",
                   "io.max=7:1 rbps=max wbps=max riops=max wiops=3"}));
}

TEST(Limits, NeedTheControllersOfWhatIsSet) {
  EXPECT_TRUE(needed_controllers({}).empty());
  EXPECT_TRUE(needed_controllers({.cpus = CpuSet()}).empty());
  EXPECT_EQ(needed_controllers({.cpu_weight = 1, .cpus = CpuSet({0}), .pids_max = 1}).text(), "cpu cpuset pids");
  EXPECT_EQ(needed_controllers({.swap_max = Bytes{0}, .io_weight = 1, .hugetlb_max = {{"2MB", {}}}}).text(),
            "io memory hugetlb");
}

TEST(Limits, AreRefusedWhereTheControllerIsMissing) {
  const auto checked = check_controllers({.memory_max = kMiB64, .pids_max = 5}, {Controller::kHugetlb}, "/sys/fs/cgroup");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(checked.error().what(), "controller memory is not available in cgroup v2 at /sys/fs/cgroup");
  EXPECT_TRUE(check_controllers({.pids_max = 5}, {Controller::kPids}, "/x"));
}

TEST(ApplyLimits, WritesTheFiles) {
  const FakeTree tree;
  tree.put("c1/cgroup.controllers", "memory pids\n");
  tree.put("c1/memory.max", "");
  tree.put("c1/memory.swap.max", "");
  tree.put("c1/pids.max", "");
  const Limits limits{.memory_max = kMiB64, .swap_max = Bytes{0}, .pids_max = 20};
  const auto applied = apply_limits(tree.cgroup("c1"), {}, limits);
  ASSERT_TRUE(applied) << applied.error().message();
  EXPECT_EQ(tree.get("c1/memory.max"), "67108864");
  EXPECT_EQ(tree.get("c1/memory.swap.max"), "0");
  EXPECT_EQ(tree.get("c1/pids.max"), "20");
}

TEST(ApplyLimits, TakesBackWhatItWroteWhenALaterWriteFails) {
  const FakeTree tree;
  tree.put("c1/cgroup.controllers", "memory pids\n");
  tree.put("c1/cgroup.procs", "");
  tree.put("c1/memory.max", "");
  const auto applied = apply_limits(tree.cgroup("c1"), {}, {.memory_max = Bytes{111}, .pids_max = 20});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(applied.error().what(), "this kernel has no pids.max at " + tree.path("c1"));
  EXPECT_EQ(tree.get("c1/memory.max"), "max");
}

TEST(ApplyLimits, ChangesNothingWhenAControllerIsMissing) {
  const FakeTree tree;
  tree.put("c1/cgroup.controllers", "memory\n");
  tree.put("c1/memory.max", "old");
  const auto applied = apply_limits(tree.cgroup("c1"), {}, {.memory_max = kMiB64, .pids_max = 20});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().what(), "controller pids is not available in cgroup v2 at " + tree.path("c1"));
  EXPECT_EQ(tree.get("c1/memory.max"), "old");
}

TEST(ApplyLimits, NeedsNoSwapFileUnlessSwapIsForbidden) {
  const FakeTree tree;
  tree.put("c1/cgroup.controllers", "memory\n");
  tree.put("c1/cgroup.procs", "");
  tree.put("c1/memory.max", "");
  EXPECT_TRUE(apply_limits(tree.cgroup("c1"), {}, {.memory_max = kMiB64, .swap_max = kMiB64}));
  EXPECT_EQ(tree.get("c1/memory.max"), "67108864");
  const auto forbidden = apply_limits(tree.cgroup("c1"), {}, {.swap_max = Bytes{0}});
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().kind(), ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace cella::cgroups
