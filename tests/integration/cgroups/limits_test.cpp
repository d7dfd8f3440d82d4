// Limits by what they do, on a host that has the controllers in cgroup v2 (the VM lane; elsewhere each skips).
#include "cgroups/limits.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "cgroups/cpuset.h"
#include "cgroups/hugetlb.h"
#include "cgroups/memory.h"
#include "cgroups/pids.h"
#include "fixture.h"

namespace cella::cgroups {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr Bytes kMiB{1u << 20};

// Touches that much anonymous memory.
int use_memory(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  for (std::size_t i = 0; i < bytes; i += 4096) static_cast<volatile char*>(memory)[i] = static_cast<char>(i >> 12);
  return 0;
}

int spin_until(Clock::time_point end) {
  while (Clock::now() < end) {
  }
  return 0;
}

class LimitTest : public OnRealKernel {
 protected:
  void apply(const Limits& limits) {
    const auto applied = apply_limits(*cgroup_, present_, limits);
    ASSERT_TRUE(applied) << applied.error().message();
    present_ = limits;
  }
  // CPU time used per wall time by two loops over that time.
  double cpus_used(milliseconds time) {
    const auto before = read_cpu_stat(*cgroup_).value();
    const auto start = Clock::now();
    {
      Resident one(*cgroup_, [&] { return spin_until(start + time); });
      Resident two(*cgroup_, [&] { return spin_until(start + time); });
      one.wait();
      two.wait();
    }
    const auto used = read_cpu_stat(*cgroup_)->usage - before.usage;
    return static_cast<double>(used.count()) /
           static_cast<double>(std::chrono::duration_cast<microseconds>(Clock::now() - start).count());
  }
  Limits present_;
};

TEST_F(LimitTest, CpuMaxThrottles) {
  SKIP_WITHOUT(Controller::kCpu);
  apply({.cpu_max = CpuQuota{microseconds(25000), microseconds(100000)}});
  EXPECT_LT(cpus_used(milliseconds(1500)), 0.40);
  EXPECT_GT(read_cpu_stat(*cgroup_)->throttled_periods, 5u);
  apply({});
  EXPECT_EQ(cgroup_->read("cpu.max").value(), "max 100000\n");
  EXPECT_GT(cpus_used(milliseconds(1000)), 0.60) << "unlimited again, live";
}

TEST_F(LimitTest, CpuWeightIsWritten) {
  SKIP_WITHOUT(Controller::kCpu);
  apply({.cpu_weight = 25});
  EXPECT_EQ(cgroup_->read("cpu.weight").value(), "25\n");
  apply({});
  EXPECT_EQ(cgroup_->read("cpu.weight").value(), "100\n");
}

TEST_F(LimitTest, CpuWeightSharesOneCpu) {
  SKIP_WITHOUT(Controller::kCpu);
  SKIP_WITHOUT(Controller::kCpuset);
  ASSERT_TRUE(cgroup_->enable_for_children({Controller::kCpu, Controller::kCpuset}));
  const Cgroup light = cgroup_->create_child("light").value();
  const Cgroup heavy = cgroup_->create_child("heavy").value();
  ASSERT_TRUE(apply_limits(light, {}, {.cpu_weight = 25, .cpus = CpuSet({0})}));
  ASSERT_TRUE(apply_limits(heavy, {}, {.cpu_weight = 100, .cpus = CpuSet({0})}));
  const auto end = Clock::now() + milliseconds(2000);
  {
    Resident one(light, [&] { return spin_until(end); });
    Resident two(heavy, [&] { return spin_until(end); });
    one.wait();
    two.wait();
  }
  const auto share = static_cast<double>(read_cpu_stat(light)->usage.count()) /
                     static_cast<double>(read_cpu_stat(heavy)->usage.count());
  EXPECT_GT(share, 0.15);
  EXPECT_LT(share, 0.40) << "25 to 100";
}

TEST_F(LimitTest, CpusetPins) {
  SKIP_WITHOUT(Controller::kCpuset);
  const CpuSet all = usable_cpus(*hierarchy_).value();
  if (all.size() < 2) GTEST_SKIP() << "needs two CPUs";
  const std::uint32_t last = *all.cpus().rbegin();
  Resident resident(*cgroup_, pause_for_ever);
  apply({.cpus = CpuSet({last})});
  cpu_set_t mask;
  ASSERT_EQ(::sched_getaffinity(resident.pid(), sizeof mask, &mask), 0);
  EXPECT_EQ(CPU_COUNT(&mask), 1);
  EXPECT_TRUE(CPU_ISSET(last, &mask));
  EXPECT_EQ(read_effective_cpus(*cgroup_)->text(), CpuSet({last}).text());
  apply({});
  ASSERT_EQ(::sched_getaffinity(resident.pid(), sizeof mask, &mask), 0);
  EXPECT_EQ(static_cast<std::size_t>(CPU_COUNT(&mask)), all.size()) << "given back, live";
}

TEST_F(LimitTest, MemoryMaxKillsTheOneThatAsksForMore) {
  SKIP_WITHOUT(Controller::kMemory);
  apply({.memory_max = Bytes{64 * kMiB.value}, .swap_max = Bytes{0}});
  Resident bystander(*cgroup_, pause_for_ever);
  Resident modest(*cgroup_, [] { return use_memory(30u << 20); });
  EXPECT_EQ(modest.wait(), 0);
  Resident greedy(*cgroup_, [] { return use_memory(100u << 20); });
  const int status = greedy.wait();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_GE(read_memory_events(*cgroup_)->oom_kill, 1u);
  EXPECT_EQ(cgroup_->processes().value(), std::vector<pid_t>{bystander.pid()}) << "only the greedy one dies";
  const auto peak = read_memory_peak(*cgroup_).value();
  ASSERT_TRUE(peak);
  EXPECT_LE(peak->value, 64 * kMiB.value);
  apply({});
  EXPECT_EQ(read_memory_max(*cgroup_).value(), std::nullopt);
  EXPECT_EQ(cgroup_->read("memory.swap.max").value(), "max\n") << "swap comes back with the limit's removal";
  Resident unlimited(*cgroup_, [] { return use_memory(100u << 20); });
  EXPECT_EQ(unlimited.wait(), 0);
}

TEST_F(LimitTest, MemoryRunsIntoSwapOnlyWhenAllowed) {
  SKIP_WITHOUT(Controller::kMemory);
  if (::access("/swapfile", F_OK) != 0) GTEST_SKIP() << "no swap of the VM lane here";
  apply({.memory_max = Bytes{64 * kMiB.value}, .swap_max = Bytes{64 * kMiB.value}});
  Resident swapping(*cgroup_, [] { return use_memory(100u << 20); });
  EXPECT_EQ(swapping.wait(), 0);
  apply({.memory_max = Bytes{64 * kMiB.value}, .swap_max = Bytes{0}});
  Resident dying(*cgroup_, [] { return use_memory(100u << 20); });
  EXPECT_TRUE(WIFSIGNALED(dying.wait()));
}

TEST_F(LimitTest, PidsMaxRefusesTheForkBeyond) {
  SKIP_WITHOUT(Controller::kPids);
  apply({.pids_max = 2});
  Resident resident(*cgroup_, [] {
    const pid_t first = ::fork();
    if (first == 0) pause_for_ever();
    if (::fork() >= 0) return 1;
    return errno == EAGAIN ? 0 : 2;
  });
  EXPECT_EQ(resident.wait(), 0);
  EXPECT_EQ(read_pids_refused(*cgroup_).value(), 1u);
  EXPECT_EQ(read_pids_current(*cgroup_).value(), 1u);
  apply({.pids_max = 1});
  Resident refused(*cgroup_, pause_for_ever);
  EXPECT_EQ(refused.error(), EAGAIN) << "clone3 into a full cgroup";
}

// The whole disk the root file system is on.
std::optional<BlockDevice> root_disk() {
  struct stat status{};
  if (::stat("/", &status) != 0) return std::nullopt;
  const auto sys = open_dir("/sys/dev/block");
  if (!sys) return std::nullopt;
  const auto disk = whole_disk(*sys, {gnu_dev_major(status.st_dev), gnu_dev_minor(status.st_dev)});
  return disk ? std::optional(*disk) : std::nullopt;
}

TEST_F(LimitTest, IoMaxSlowsWritesDown) {
  SKIP_WITHOUT(Controller::kIo);
  const auto disk = root_disk();
  if (!disk) GTEST_SKIP() << "the root file system is on no block device";
  const auto write_8_mb = [&] {
    const auto start = Clock::now();
    Resident writer(*cgroup_, [] {
      const std::string path = "/cella-io-test";
      const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
      if (fd < 0) return 1;
      (void)::unlink(path.c_str());
      void* buffer = ::mmap(nullptr, 1u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      for (int i = 0; i < 8; ++i)
        if (::write(fd, buffer, 1u << 20) != (1 << 20)) return 2;
      return 0;
    });
    EXPECT_EQ(writer.wait(), 0);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  apply({.io_max = {{.device = *disk, .write_bytes = 4000000}}});
  EXPECT_GT(write_8_mb(), 1.5);
  EXPECT_EQ(parse_io_max(cgroup_->read("io.max").value())->size(), 1u);
  apply({});
  EXPECT_EQ(cgroup_->read("io.max").value(), "") << "nothing stays behind";
  const auto stats = read_io_stat(*cgroup_);
  ASSERT_TRUE(stats);
  ASSERT_FALSE(stats->empty());
  EXPECT_GE(stats->front().written.value, 8u << 20);
}

TEST_F(LimitTest, IoOfAnUnknownDeviceIsRefusedAndTakesBackTheRest) {
  SKIP_WITHOUT(Controller::kIo);
  SKIP_WITHOUT(Controller::kMemory);
  const auto applied =
      apply_limits(*cgroup_, {}, {.memory_max = Bytes{64 * kMiB.value}, .io_max = {{.device = {4000, 4000}, .read_bytes = 1}}});
  ASSERT_FALSE(applied);
  EXPECT_NE(applied.error().what().find("4000:4000"), std::string::npos) << applied.error().message();
  EXPECT_EQ(read_memory_max(*cgroup_).value(), std::nullopt);
}

TEST_F(LimitTest, HugetlbIsLimited) {
  SKIP_WITHOUT(Controller::kHugetlb);
  apply({.hugetlb_max = {{"2MB", Bytes{4 * kMiB.value}}}});
  EXPECT_EQ(cgroup_->read("hugetlb.2MB.max").value(), "4194304\n");
  EXPECT_EQ(read_hugetlb_current(*cgroup_, "2MB").value(), Bytes{0});
  const auto absent = apply_limits(*cgroup_, present_, {.hugetlb_max = {{"64KB", Bytes{65536}}}});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind(), ErrorKind::kUnsupported);
  EXPECT_EQ(cgroup_->read("hugetlb.2MB.max").value(), "4194304\n") << "taken back";
  apply({});
  EXPECT_EQ(cgroup_->read("hugetlb.2MB.max").value(), "max\n");
}

TEST_F(LimitTest, NothingOfThemIsWritableForTheContainersRoot) {
  SKIP_WITHOUT(Controller::kMemory);
  const auto given = hierarchy_->create(name_ + "/given", {.owner = HostId{1000000}, .group = HostId{1000000}});
  ASSERT_TRUE(given);
  for (const char* file : {"memory.max", "pids.max", "cpu.max", "memory.swap.max", "cgroup.freeze"}) {
    struct stat status{};
    ASSERT_EQ(::fstatat(given->dir().get(), file, &status, 0), 0) << file;
    EXPECT_EQ(status.st_uid, 0u) << file;
    EXPECT_EQ(status.st_mode & 022, 0u) << file;
  }
}

}  // namespace
}  // namespace cella::cgroups
