#include <gtest/gtest.h>

#include "cgroups/cpu.h"
#include "cgroups/cpuset.h"
#include "cgroups/hugetlb.h"
#include "cgroups/io.h"
#include "cgroups/memory.h"
#include "cgroups/pids.h"
#include "cgroups/psi.h"
#include "fake_tree.h"

namespace cella::cgroups {
namespace {

using std::chrono::microseconds;

TEST(CpuFiles, WriteQuotaAndPeriod) {
  const FakeTree tree;
  const Cgroup cgroup = tree.cgroup("c1");
  tree.put("c1/cpu.max", "");
  ASSERT_TRUE(set_cpu_max(cgroup, CpuQuota{microseconds(25000), microseconds(100000)}));
  EXPECT_EQ(tree.get("c1/cpu.max"), "25000 100000");
  EXPECT_EQ(format_cpu_max({}), "max 100000");
  EXPECT_EQ(set_cpu_weight(cgroup, 0).error().kind(), ErrorKind::kInvalid);
  EXPECT_EQ(set_cpu_weight(cgroup, 10001).error().kind(), ErrorKind::kInvalid);
  const auto missing = set_cpu_weight(cgroup, 50);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind(), ErrorKind::kNotFound);
  EXPECT_NE(missing.error().what().find(tree.path("c1")), std::string::npos);
}

TEST(CpuFiles, ReadStatistics) {
  const FakeTree tree;
  tree.put("c1/cpu.stat",
           "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 7\nnr_throttled 3\nthrottled_usec 90\n");
  const auto stat = read_cpu_stat(tree.cgroup("c1"));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->usage, microseconds(300));
  EXPECT_EQ(stat->system, microseconds(100));
  EXPECT_EQ(stat->throttled_periods, 3u);
  EXPECT_EQ(stat->throttled, microseconds(90));
}

TEST(CpusetFiles, WriteALineEvenForTheEmptySet) {
  const FakeTree tree;
  tree.put("c1/cpuset.cpus", "");
  ASSERT_TRUE(set_cpus(tree.cgroup("c1"), {}));
  EXPECT_EQ(tree.get("c1/cpuset.cpus"), "\n");
}

TEST(MemoryFiles, WriteBytesOrMax) {
  const FakeTree tree;
  const Cgroup cgroup = tree.cgroup("c1");
  tree.put("c1/memory.max", "");
  tree.put("c1/memory.swap.max", "");
  ASSERT_TRUE(set_memory_max(cgroup, Bytes{67108864}));
  ASSERT_TRUE(set_swap_max(cgroup, {}));
  EXPECT_EQ(tree.get("c1/memory.max"), "67108864");
  EXPECT_EQ(tree.get("c1/memory.swap.max"), "max");
}

TEST(MemoryFiles, ReadWhatTheKernelHas) {
  const FakeTree tree;
  const Cgroup cgroup = tree.cgroup("c1");
  tree.put("c1/memory.current", "4096\n");
  tree.put("c1/memory.max", "max\n");
  tree.put("c1/memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 0\n");
  tree.put("c1/memory.stat", "anon 10\nfile 20\nkernel 30\nshmem 40\ninactive_file 50\nslab_reclaimable 60\n");
  EXPECT_EQ(read_memory_current(cgroup).value(), Bytes{4096});
  EXPECT_EQ(read_memory_max(cgroup).value(), std::nullopt);
  EXPECT_EQ(read_memory_peak(cgroup).value(), std::nullopt) << "no such file before 5.19";
  EXPECT_EQ(read_memory_events(cgroup)->oom_kill, 5u);
  EXPECT_EQ(read_memory_stat(cgroup)->shared, Bytes{40});
  tree.put("c1/memory.peak", "junk\n");
  EXPECT_EQ(read_memory_peak(cgroup).error().kind(), ErrorKind::kIo);
}

TEST(PidsFiles, CountWithoutTheController) {
  const FakeTree tree;
  tree.put("c1/cgroup.threads", "10\n11\n");
  tree.put("c1/.lxc/cgroup.threads", "12\n");
  EXPECT_EQ(count_processes(tree.cgroup("c1")).value(), 3u);
  tree.put("c1/pids.current", "9\n");
  EXPECT_EQ(count_processes(tree.cgroup("c1")).value(), 9u);
}

TEST(IoFiles, WriteAllFourLimits) {
  EXPECT_EQ(format_io_max({.device = {254, 0}, .read_bytes = 2000000, .write_operations = 20}),
            "254:0 rbps=2000000 wbps=max riops=max wiops=20");
  const FakeTree tree;
  tree.put("c1/io.weight", "");
  ASSERT_TRUE(set_io_weight(tree.cgroup("c1"), 500));
  EXPECT_EQ(tree.get("c1/io.weight"), "default 500");
}

TEST(IoFiles, ReadBackLimitsAndStatistics) {
  const auto limits = parse_io_max("254:0 rbps=2000000 wbps=max riops=max wiops=20\n7:0 rbps=1 wbps=2 riops=3 wiops=4\n");
  ASSERT_TRUE(limits);
  ASSERT_EQ(limits->size(), 2u);
  EXPECT_EQ((*limits)[0], (IoMax{.device = {254, 0}, .read_bytes = 2000000, .write_operations = 20}));
  const auto stats = parse_io_stat("254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n7:0 \n");
  ASSERT_TRUE(stats);
  ASSERT_EQ(stats->size(), 1u);
  EXPECT_EQ((*stats)[0].written, Bytes{8192});
  EXPECT_EQ((*stats)[0].reads, 1u);
  EXPECT_FALSE(parse_io_max("8 rbps=1\n"));
}

TEST(IoFiles, APartitionBelongsToItsDisk) {
  const FakeTree tree;
  tree.put("vda/dev", "254:0\n");
  tree.put("vda/vda1/dev", "254:1\n");
  tree.put("vda/vda1/partition", "1\n");
  std::filesystem::create_symlink("vda/vda1", tree.path("254:1"));
  std::filesystem::create_symlink("vda", tree.path("254:0"));
  const DirFd sys = open_dir(tree.path()).value();
  EXPECT_EQ(whole_disk(sys, {254, 1}).value(), (BlockDevice{254, 0}));
  EXPECT_EQ(whole_disk(sys, {254, 0}).value(), (BlockDevice{254, 0}));
  EXPECT_EQ(whole_disk(sys, {0, 50}).error().kind(), ErrorKind::kNotFound);
}

TEST(HugetlbFiles, RefuseAPageSizeTheKernelLacks) {
  const FakeTree tree;
  tree.put("c1/cgroup.controllers", "hugetlb\n");
  tree.put("c1/hugetlb.2MB.max", "");
  ASSERT_TRUE(set_hugetlb_max(tree.cgroup("c1"), "2MB", Bytes{4194304}));
  EXPECT_EQ(tree.get("c1/hugetlb.2MB.max"), "4194304");
  EXPECT_EQ(set_hugetlb_max(tree.cgroup("c1"), "64KB", Bytes{65536}).error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(set_hugetlb_max(tree.cgroup("c1"), "../x", Bytes{1}).error().kind(), ErrorKind::kInvalid);
}

TEST(Pressure, ReadsBothLines) {
  const auto pressure = parse_pressure(
      "some avg10=1.50 avg60=0.25 avg300=0.00 total=12345\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=6\n");
  ASSERT_TRUE(pressure);
  EXPECT_DOUBLE_EQ(pressure->some.average_10, 1.5);
  EXPECT_EQ(pressure->some.total, microseconds(12345));
  ASSERT_TRUE(pressure->full);
  EXPECT_EQ(pressure->full->total, microseconds(6));
  EXPECT_FALSE(parse_pressure("some avg10=x avg60=0 avg300=0 total=1\n"));
  EXPECT_FALSE(parse_pressure("some avg10=1.00 avg60=0.25 avg300=0.00 total=1\n")->full);
}

}  // namespace
}  // namespace cella::cgroups
