// Making, freezing, killing and removing cgroups: on every host.
#include <csignal>
#include <sys/stat.h>

#include "base/files.h"
#include "cgroups/cpu.h"
#include "cgroups/events.h"
#include "cgroups/limits.h"
#include "cgroups/pids.h"
#include "cgroups/psi.h"
#include "fixture.h"

namespace cella::cgroups {
namespace {

using std::chrono::milliseconds;

class CgroupLife : public OnRealKernel {};

TEST_F(CgroupLife, GivesAwayTheDelegatedFilesOnly) {
  ASSERT_TRUE(hierarchy_->create(name_ + "/given", {.owner = HostId{1000000}, .group = HostId{1000000}}));
  const Cgroup given = hierarchy_->open_cgroup(name_ + "/given").value();
  struct stat status{};
  ASSERT_EQ(::fstat(given.dir().get(), &status), 0);
  EXPECT_EQ(status.st_uid, 0u);
  EXPECT_EQ(status.st_gid, 1000000u);
  EXPECT_EQ(status.st_mode & 07777, 0775u);
  for (const char* file : {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}) {
    ASSERT_EQ(::fstatat(given.dir().get(), file, &status, 0), 0);
    EXPECT_EQ(status.st_uid, 1000000u) << file;
  }
  for (const char* file : {"cgroup.freeze", "cgroup.max.depth", "cgroup.kill"}) {
    ASSERT_EQ(::fstatat(given.dir().get(), file, &status, 0), 0);
    EXPECT_EQ(status.st_uid, 0u) << file;
  }
}

TEST_F(CgroupLife, MakesTheExecLeafOnce) {
  ASSERT_TRUE(cgroup_->open_exec_leaf(HostId{1000000}, HostId{1000000}));
  const auto leaf = cgroup_->open_exec_leaf(HostId{1000000}, HostId{1000000});
  ASSERT_TRUE(leaf) << leaf.error().message();
  struct stat status{};
  ASSERT_EQ(::fstat(leaf->dir().get(), &status), 0);
  EXPECT_EQ(status.st_uid, 1000000u);
  Resident resident(*leaf, pause_for_ever);
  EXPECT_EQ(leaf->processes().value(), std::vector<pid_t>{resident.pid()});
}

TEST_F(CgroupLife, ReportsThatItIsPopulated) {
  const auto events = EventsFile::open(*cgroup_);
  ASSERT_TRUE(events);
  EXPECT_FALSE(events->read()->populated);
  {
    Resident resident(*cgroup_, pause_for_ever);
    EXPECT_TRUE(events->wait([](const Events& now) { return now.populated; }, kPatience));
    EXPECT_EQ(count_processes(*cgroup_).value(), 1u);
  }
  EXPECT_TRUE(events->wait([](const Events& now) { return !now.populated; }, kPatience));
}

TEST_F(CgroupLife, FreezesAndThaws) {
  int channel[2];
  ASSERT_EQ(::pipe2(channel, O_CLOEXEC), 0);
  const Fd reader(channel[0]);
  const Fd writer(channel[1]);
  Resident resident(*cgroup_, [&] {
    for (char beat = 1;;) {
      if (::write(writer.get(), &beat, 1) != 1) return 1;
    }
  });
  char beat[4096];
  ASSERT_GT(::read(reader.get(), beat, sizeof beat), 0);
  const auto frozen = freeze(*cgroup_, kPatience);
  ASSERT_TRUE(frozen) << frozen.error().message();
  EXPECT_TRUE(read_events(*cgroup_)->frozen);
  // What was written before the freeze comes out, and then nothing more.
  ASSERT_EQ(::fcntl(reader.get(), F_SETFL, O_NONBLOCK), 0);
  while (::read(reader.get(), beat, sizeof beat) > 0) {
  }
  EXPECT_EQ(errno, EAGAIN);
  ASSERT_EQ(::fcntl(reader.get(), F_SETFL, 0), 0);
  ASSERT_TRUE(unfreeze(*cgroup_, kPatience));
  EXPECT_FALSE(read_events(*cgroup_)->frozen);
  EXPECT_GT(::read(reader.get(), beat, sizeof beat), 0);
}

class CgroupKill : public CgroupLife, public testing::WithParamInterface<KillMethod> {};

TEST_P(CgroupKill, LeavesNothingAliveBelow) {
  const Cgroup leaf = cgroup_->create_child("leaf").value();
  std::vector<Resident> residents;
  for (int i = 0; i < 3; ++i) residents.emplace_back(*cgroup_, pause_for_ever);
  residents.emplace_back(leaf, pause_for_ever);
  const auto killed = kill_all(*cgroup_, kPatience, GetParam());
  ASSERT_TRUE(killed) << killed.error().message();
  EXPECT_FALSE(read_events(*cgroup_)->populated);
  for (Resident& resident : residents) {
    const int status = resident.wait();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
}

TEST_P(CgroupKill, ReachesFrozenProcesses) {
  Resident resident(*cgroup_, pause_for_ever);
  ASSERT_TRUE(freeze(*cgroup_, kPatience));
  const auto killed = kill_all(*cgroup_, kPatience, GetParam());
  ASSERT_TRUE(killed) << killed.error().message();
  EXPECT_TRUE(WIFSIGNALED(resident.wait()));
}

TEST_P(CgroupKill, EndsAForkBomb) {
  int channel[2];
  ASSERT_EQ(::pipe2(channel, O_CLOEXEC), 0);
  const Fd reader(channel[0]);
  Fd writer(channel[1]);
  Resident bomb(*cgroup_, [] {
    // Not for ever, so that a failing test does not take the machine with it: ten thousand generations, one at a time.
    for (int generation = 0; generation < 10000; ++generation)
      if (::fork() > 0) ::_exit(0);
    return 0;
  });
  writer.reset();
  const auto killed = kill_all(*cgroup_, kPatience, GetParam());
  ASSERT_TRUE(killed) << killed.error().message();
  // The pipe's last writer is gone: not even a grandchild outside the cgroup is left.
  char end = 0;
  EXPECT_EQ(::read(reader.get(), &end, 1), 0);
}

INSTANTIATE_TEST_SUITE_P(Methods, CgroupKill, testing::Values(KillMethod::kCgroupKill, KillMethod::kSignals),
                         [](const auto& method) {
                           return method.param == KillMethod::kSignals ? "Signals" : "CgroupKill";
                         });

TEST_F(CgroupLife, DestroyWaitsForTheLastProcess) {
  ASSERT_TRUE(cgroup_->create_child("inner"));
  ASSERT_TRUE(hierarchy_->open_cgroup(name_ + "/inner")->create_child("deep"));
  const Cgroup deep = hierarchy_->open_cgroup(name_ + "/inner/deep").value();
  Resident resident(deep, [] { return pause_for_ever(); });
  const auto refused = hierarchy_->destroy(name_, milliseconds(0));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), ErrorKind::kBusy);
  ASSERT_EQ(::kill(resident.pid(), SIGKILL), 0);
  const auto gone = hierarchy_->destroy(name_, kPatience);
  EXPECT_TRUE(gone) << gone.error().message();
  EXPECT_EQ(cgroup_->read("cgroup.procs").error().kind(), ErrorKind::kNotFound);
}

TEST_F(CgroupLife, CreateMakesAKilledCgroupFresh) {
  { Resident victim(*cgroup_, pause_for_ever); (void)kill_all(*cgroup_, kPatience, KillMethod::kCgroupKill).ok(); }
  const auto fresh = hierarchy_->create(name_);
  ASSERT_TRUE(fresh) << fresh.error().message();
  Resident resident(*fresh, [] { return 7; });
  const int status = resident.wait();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << "a child of a killed cgroup dies at birth";
}

TEST_F(CgroupLife, CreateDoesNotTouchOneInUse) {
  Resident resident(*cgroup_, pause_for_ever);
  const auto made = hierarchy_->create(name_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind(), ErrorKind::kBusy);
  EXPECT_EQ(cgroup_->processes()->size(), 1u);
}

TEST_F(CgroupLife, CountsRunTimeAndPressureWithoutAnyController) {
  Resident resident(*cgroup_, [] {
    for (volatile int i = 0; i < 20000000;) i = i + 1;
    return 0;
  });
  EXPECT_EQ(resident.wait(), 0);
  const auto stat = read_cpu_stat(*cgroup_);
  ASSERT_TRUE(stat);
  EXPECT_GT(stat->usage.count(), 0);
  const auto pressure = read_pressure(*cgroup_, PressureKind::kCpu);
  EXPECT_TRUE(pressure || pressure.error().kind() == ErrorKind::kNotFound);
}

TEST_F(CgroupLife, RefusesALimitWhoseControllerIsMissing) {
  const auto present = cgroup_->controllers().value();
  const std::pair<Controller, Limits> limits[] = {{Controller::kMemory, {.memory_max = Bytes{67108864}}},
                                                  {Controller::kCpu, {.cpu_weight = 50}},
                                                  {Controller::kPids, {.pids_max = 50}},
                                                  {Controller::kIo, {.io_weight = 50}}};
  for (const auto& [controller, limit] : limits) {
    const auto applied = apply_limits(*cgroup_, {}, limit);
    if (present.has(controller)) continue;
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().kind(), ErrorKind::kUnsupported);
    EXPECT_EQ(applied.error().what(), "controller " + std::string(controller_name(controller)) +
                                          " is not available in cgroup v2 at " + cgroup_->path());
  }
}

}  // namespace
}  // namespace cella::cgroups
