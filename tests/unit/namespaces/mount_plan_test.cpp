#include "namespaces/mount_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/syscalls.h"

namespace cella::namespaces {
namespace {

MountPlan standard() { return plan_mounts({.root_descriptor = 0, .dev_descriptor = 1}); }

std::ptrdiff_t index_of(const MountPlan& plan, const std::string& target) {
  const auto found =
      std::find_if(plan.steps.begin(), plan.steps.end(), [&](const MountStep& step) { return step.target == target; });
  return found == plan.steps.end() ? -1 : found - plan.steps.begin();
}

const MountStep& step_at(const MountPlan& plan, const std::string& target) {
  return plan.steps.at(static_cast<std::size_t>(index_of(plan, target)));
}

TEST(MountPlan, PutsMaskedPathsAfterProcAndSys) {
  const MountPlan plan = standard();
  for (const auto* paths : {&masked_files(), &masked_directories()})
    for (const std::string& path : *paths) {
      EXPECT_GT(index_of(plan, path), index_of(plan, "proc")) << path;
      EXPECT_GT(index_of(plan, path), index_of(plan, "sys")) << path;
    }
}

TEST(MountPlan, PutsWhatLiesBelowDevAfterDev) {
  const MountPlan plan = standard();
  EXPECT_EQ(index_of(plan, "dev"), 0);
  for (const char* below : {"dev/pts", "dev/shm", "dev/mqueue"}) EXPECT_GT(index_of(plan, below), 0) << below;
}

TEST(MountPlan, NeverFollowsALinkBelowTheSystemsDirectories) {
  for (const MountStep& step : standard().steps) EXPECT_EQ(step.links, TargetLinks::kRefuse) << step.target;
}

TEST(MountPlan, TakesSuidAndDevicesFromKernelFileSystems) {
  const MountPlan plan = standard();
  for (const char* target : {"proc", "sys", "sys/fs/cgroup", "dev/mqueue"}) {
    const std::uint32_t attributes = step_at(plan, target).attributes;
    EXPECT_EQ(attributes, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC) << target;
  }
}

TEST(MountPlan, BringsTheHostsSysfsWithoutANetworkNamespace) {
  const MountPlan plan = plan_mounts(
      {.root_descriptor = 0, .dev_descriptor = 1, .sysfs = SysfsSource::kDescriptor, .sysfs_descriptor = 2});
  EXPECT_EQ(step_at(plan, "sys").action, MountAction::kAttach);
  EXPECT_EQ(step_at(plan, "sys").descriptor, 2);
}

TEST(MountPlan, LeavesTheTtyGroupOutWhenItIsNotMapped) {
  const MountOption gid{.key = "gid", .value = "5"};
  const auto has_gid = [&](const MountPlan& plan) {
    const auto& options = step_at(plan, "dev/pts").options;
    return std::find(options.begin(), options.end(), gid) != options.end();
  };
  EXPECT_TRUE(has_gid(standard()));
  EXPECT_FALSE(has_gid(plan_mounts({.dev_descriptor = 1, .tty_group = kNoTtyGroup})));
}

TEST(MountPlan, FitsTheChildsTable) {
  const MountPlan plan = standard();
  const auto made = std::count_if(plan.steps.begin(), plan.steps.end(),
                                  [](const MountStep& step) { return step.action == MountAction::kFilesystem; });
  EXPECT_LT(static_cast<std::size_t>(made), kMaxFilesystems);
}

}  // namespace
}  // namespace cella::namespaces
