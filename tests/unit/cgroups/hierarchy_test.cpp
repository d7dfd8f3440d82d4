#include "cgroups/hierarchy.h"

#include <gtest/gtest.h>

#include "cgroups/cpuset.h"
#include "cgroups/events.h"
#include "fake_tree.h"

namespace cella::cgroups {
namespace {

using std::chrono::milliseconds;

TEST(FindMountPoint, TakesTheWholeTreeOfAPureHost) {
  const auto found = find_mount_point("30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "/sys/fs/cgroup");
}

TEST(FindMountPoint, FindsTheUnifiedTreeOfAHybridHost) {
  const auto found = find_mount_point(
      "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
      "32 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "/sys/fs/cgroup/unified");
}

TEST(FindMountPoint, PrefersTheWholeTreeToAPartOfIt) {
  const auto found = find_mount_point(
      "30 23 0:26 /lxc.payload.a /mnt/part rw - cgroup2 cgroup2 rw\n"
      "31 23 0:26 / /sys/fs/a\\040b rw - cgroup2 cgroup2 rw\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, "/sys/fs/a b");
}

TEST(FindMountPoint, SaysWhenThereIsNone) {
  const auto found = find_mount_point("31 23 0:27 / /sys/fs/cgroup/cgroup2 rw - cgroup cgroup2 rw,cpu\n");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind(), ErrorKind::kUnsupported);
}

TEST(ControllerSet, KeepsTheOrderOfTheEnumAndDropsUnknownNames) {
  EXPECT_EQ(ControllerSet::parse("pids dmem cpuset memory\n").text(), "cpuset memory pids");
  EXPECT_TRUE(ControllerSet::parse("\n").empty());
}

TEST(Hierarchy, EnablesWhatIsAvailableAndNotYetOn) {
  const FakeTree tree;
  tree.put("cgroup.controllers", "cpu memory pids\n");
  ASSERT_TRUE(tree.hierarchy().enable_all());
  EXPECT_EQ(tree.get("cgroup.subtree_control"), "+cpu +memory +pids");
  tree.put("cgroup.subtree_control", "cpu memory pids\n");
  ASSERT_TRUE(tree.hierarchy().enable_all());
  EXPECT_EQ(tree.get("cgroup.subtree_control"), "cpu memory pids\n");
}

TEST(Hierarchy, RefusesAControllerTheRootLacks) {
  const FakeTree tree;
  tree.put("cgroup.controllers", "hugetlb\n");
  const auto hierarchy = tree.hierarchy();
  const auto enabled = hierarchy.root().enable_for_children({Controller::kMemory});
  ASSERT_FALSE(enabled);
  EXPECT_EQ(enabled.error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(enabled.error().what(), "controller memory is not available in cgroup v2 at " + tree.path());
}

TEST(Hierarchy, ReplacesAnEmptyLeftOver) {
  const FakeTree tree;
  const auto hierarchy = tree.hierarchy();
  std::filesystem::create_directories(tree.path("c1/old/deep"));
  const auto made = hierarchy.create("c1");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_FALSE(tree.has("c1/old"));
  EXPECT_EQ(made->path(), tree.path("c1"));
}

TEST(Hierarchy, LeavesALeftOverWithProcessesAlone) {
  const FakeTree tree;
  tree.put("c1/cgroup.events", "populated 1\nfrozen 0\n");
  const auto made = tree.hierarchy().create("c1");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind(), ErrorKind::kBusy);
  EXPECT_TRUE(tree.has("c1"));
}

TEST(Hierarchy, RefusesNamesThatLeaveTheTree) {
  const FakeTree tree;
  for (const std::string name : {"", "..", ".", "../x", "a/../b", "a//b", "/a", "a/"}) {
    const auto made = tree.hierarchy().create(name);
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().kind(), ErrorKind::kInvalid) << name;
    EXPECT_EQ(tree.hierarchy().destroy(name, milliseconds(0)).error().kind(), ErrorKind::kInvalid) << name;
  }
}

TEST(Hierarchy, DestroysDepthFirstAndTakesAMissingOneForDone) {
  const FakeTree tree;
  std::filesystem::create_directories(tree.path("c1/a/b"));
  std::filesystem::create_directories(tree.path("c1/c"));
  EXPECT_TRUE(tree.hierarchy().destroy("c1", milliseconds(100)));
  EXPECT_FALSE(tree.has("c1"));
  EXPECT_TRUE(tree.hierarchy().destroy("c1", milliseconds(0)));
  EXPECT_TRUE(tree.hierarchy().destroy("no/such", milliseconds(0)));
}

TEST(Hierarchy, ListsCgroupsAndNotFiles) {
  const FakeTree tree;
  std::filesystem::create_directories(tree.path("c1"));
  EXPECT_EQ(tree.hierarchy().list().value(), std::vector<std::string>{"c1"});
}

TEST(UsableCpus, ComeFromTheRootOrFromTheMachine) {
  const FakeTree tree;
  tree.put("cpuset.cpus.effective", "0-3,7\n");
  tree.put("online", "0-1\n");
  EXPECT_EQ(usable_cpus(tree.hierarchy(), tree.path("online")).value().text(), "0-3,7");
  tree.put("cgroup.controllers", "hugetlb\n");
  EXPECT_EQ(usable_cpus(tree.hierarchy(), tree.path("online")).value().text(), "0-1");
}

TEST(Events, ReadsBothLines) {
  const auto events = parse_events("populated 1\nfrozen 1\n");
  ASSERT_TRUE(events);
  EXPECT_TRUE(events->populated);
  EXPECT_TRUE(events->frozen);
  EXPECT_FALSE(parse_events("frozen 1\n"));
}

TEST(Events, WaitingIsBounded) {
  const FakeTree tree;
  tree.put("c1/cgroup.events", "populated 1\nfrozen 0\n");
  const auto events = EventsFile::open(tree.cgroup("c1"));
  ASSERT_TRUE(events);
  const auto waited = events->wait([](const Events& now) { return !now.populated; }, milliseconds(20));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().kind(), ErrorKind::kTimeout);
  EXPECT_TRUE(events->wait([](const Events& now) { return now.populated; }, milliseconds(0)));
}

}  // namespace
}  // namespace cella::cgroups
