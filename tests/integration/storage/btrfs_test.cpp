// What only btrfs has: quotas, subvolumes inside volumes, a loop file that outlives its daemon.
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <fstream>

#include "base/files.h"
#include "base/syscalls.h"
#include "storage/btrfs_subvolume.h"
#include "tests/integration/storage/fixture.h"

namespace cella::storage {
namespace {

class BtrfsTest : public StorageTest {
 protected:
  void SetUp() override {
    StorageTest::SetUp();
    if (IsSkipped()) return;
    spec_ = PoolSpec{.name = "b",
                     .driver = DriverType::kBtrfs,
                     .directory = path("pool"),
                     .source = path("pool.img"),
                     .size = Bytes{300u << 20}};
    driver_ = make_driver(spec_);
  }
  void TearDown() override {
    if (driver_) {
      EXPECT_OK(driver_->unmount());
    }
    driver_.reset();
    StorageTest::TearDown();
  }
  PoolSpec spec_;
  std::unique_ptr<Driver> driver_;
};

TEST_F(BtrfsTest, QuotaStopsAContainerThatWritesTooMuch) {
  ASSERT_OK(driver_->create());
  ASSERT_OK(driver_->create_root("c1", "", Watch{}));
  const VolumeId volume{VolumeKind::kRoot, "c1"};
  EXPECT_EQ(driver_->usage(volume).error().kind(), ErrorKind::kUnsupported);  // no quotas yet
  ASSERT_OK(driver_->set_quota(volume, Bytes{8u << 20}));
  {
    const Result<Fd> mount = driver_->open_root(volume, map_at(1000000));
    ASSERT_OK(mount);
    EXPECT_EQ(look_as_container(*mount, map_at(1000000),
                                [] {
                                  std::ofstream file("/big", std::ios::binary);
                                  const std::string block(1u << 20, 'x');
                                  for (int i = 0; i < 32 && file.good(); ++i)
                                    file.write(block.data(), static_cast<std::streamsize>(block.size())).flush();
                                  file.close();
                                  return std::string(file.good() ? "wrote 32 MiB into 8" : "");
                                }),
              "");
  }
  shell("sync -f " + spec_.directory);
  const Result<VolumeUsage> usage = driver_->usage(volume);
  ASSERT_OK(usage);
  EXPECT_GT(usage->used.value, 1u << 20);
  EXPECT_LE(usage->used.value, 9u << 20);
  EXPECT_EQ(usage->total, std::optional(Bytes{8u << 20}));
  ASSERT_OK(driver_->set_quota(volume, std::nullopt));
  EXPECT_EQ(driver_->usage(volume)->total, std::nullopt);
}

TEST_F(BtrfsTest, SubvolumesMadeInsideAVolumeGoWithIt) {
  ASSERT_OK(driver_->create());
  ASSERT_OK(driver_->create_root("c1", "", Watch{}));
  const Result<DirFd> inside = open_dir(spec_.directory + "/volumes/c1/rootfs");
  ASSERT_OK(inside);
  ASSERT_OK(create_subvolume(*inside, "nested"));
  shell("mkdir " + spec_.directory + "/volumes/c1/rootfs/nested/d");
  ASSERT_OK(create_subvolume(*open_dir(spec_.directory + "/volumes/c1/rootfs/nested/d"), "deeper"));
  ASSERT_OK(driver_->remove({VolumeKind::kRoot, "c1"}));
  ASSERT_OK(driver_->unmount());
  ASSERT_OK(driver_->mount());
  EXPECT_TRUE(list_names(*open_dir(spec_.directory + "/trash"))->empty());
}

TEST_F(BtrfsTest, KilledDaemonsLoopDeviceIsUsedAgain) {
  ASSERT_OK(driver_->create());
  ASSERT_OK(driver_->create_root("c1", "", Watch{}));
  ASSERT_OK(driver_->unmount());
  driver_.reset();
  // A daemon with a mount namespace of its own; killed without warning while a container holds its root open.
  Result<Pipe> ready = make_pipe();
  ASSERT_OK(ready);
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::unshare(CLONE_NEWNS);
    sys_mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr);
    const auto driver = make_driver(spec_);
    const bool up = driver->mount().ok();
    Result<Fd> root = driver->open_root({VolumeKind::kRoot, "c1"}, map_at(1000000));
    const pid_t container = ::fork();
    if (container == 0) {
      char byte = up && root.ok() ? 'y' : 'n';
      static_cast<void>(!::write(ready->write_end.get(), &byte, 1));
      ::setsid();
      for (;;) ::pause();
    }
    static_cast<void>(!::write(ready->write_end.get(), &container, sizeof container));
    for (;;) ::pause();
  }
  pid_t container = 0;
  char byte = 0;
  ASSERT_EQ(::read(ready->read_end.get(), &container, sizeof container), static_cast<ssize_t>(sizeof container));
  ASSERT_EQ(::read(ready->read_end.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  ::kill(daemon, SIGKILL);
  ::waitpid(daemon, nullptr, 0);
  const std::vector<std::string> before = loops_with(path("pool.img"));
  EXPECT_EQ(before.size(), 1u);
  driver_ = make_driver(spec_);
  ASSERT_OK(driver_->mount());
  EXPECT_EQ(loops_with(path("pool.img")), before);
  EXPECT_OK(driver_->create_root("c2", "", Watch{}));
  EXPECT_EQ(*list_volumes(spec_, VolumeKind::kRoot), (std::vector<std::string>{"c1", "c2"}));
  // It is nobody's child here: its end is seen by pidfd, and only then is its mount gone.
  const PidFd handle(sys_pidfd_open(container, 0));
  ASSERT_TRUE(handle.valid());
  ASSERT_EQ(sys_pidfd_send_signal(handle.get(), SIGKILL, nullptr, 0), 0);
  pollfd ended{handle.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 10000), 1);
}

TEST_F(BtrfsTest, SourcesThatDoNotFitAreRefusedAndLeftAlone) {
  PoolSpec bad = spec_;
  bad.size = Bytes{1u << 20};
  EXPECT_EQ(make_driver(bad)->create().error().kind(), ErrorKind::kInvalid);
  EXPECT_FALSE(path_exists(bad.source));
  bad = spec_;
  shell("mkdir " + path("plain"));
  bad.source = path("plain");
  EXPECT_EQ(make_driver(bad)->create().error().kind(), ErrorKind::kInvalid);
  shell("echo precious > " + path("file"));
  bad.source = path("file");
  EXPECT_EQ(make_driver(bad)->create().error().kind(), ErrorKind::kExists);
  EXPECT_EQ(*read_file(path("file")), "precious\n");
  EXPECT_FALSE(path_exists(spec_.directory));
  driver_.reset();
}

TEST_F(BtrfsTest, LostLoopFileIsAnErrorThatNamesIt) {
  const Result<void> mounted = driver_->mount();
  ASSERT_FALSE(mounted.ok());
  EXPECT_NE(mounted.error().message().find(spec_.source), std::string::npos);
  driver_.reset();
}

}  // namespace
}  // namespace cella::storage
