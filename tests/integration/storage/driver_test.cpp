// Each driver on the real kernel: what a container sees of its root, and what is on disk.
#include "tests/integration/storage/fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <chrono>
#include <fstream>
#include <sstream>

#include "base/files.h"

namespace cella::storage {
namespace {

struct Variant {
  std::string name;
  DriverType driver;
  std::string format;  // "unified", "squashfs", "erofs", "tar"
  DriverOptions options;
};

void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

bool tar_images = true;  // of the running test

class DriverTest : public StorageTest, public testing::WithParamInterface<Variant> {
 protected:
  void SetUp() override {
    StorageTest::SetUp();
    if (IsSkipped()) return;
    tar_images = GetParam().format != "squashfs";
    spec_.name = "test";
    spec_.driver = GetParam().driver;
    spec_.directory = path("pool");
    if (spec_.driver == DriverType::kBtrfs) {
      spec_.source = path("pool.img");
      spec_.size = Bytes{300u << 20};
    }
    driver_ = make_driver(spec_, GetParam().options);
    ASSERT_OK(driver_->create());
    if (GetParam().format == "unified") {
      files_.metadata_path = make_unified(directory_, "gz");
    } else {
      const SplitImage image = make_split(directory_, GetParam().format);
      files_ = {image.metadata, image.rootfs};
    }
  }
  void TearDown() override {
    if (driver_) {
      EXPECT_OK(driver_->unmount());
      driver_.reset();
    }
    StorageTest::TearDown();
  }
  void make_image_and_root() {
    ASSERT_OK(driver_->create_image("fp1", files_, UnpackLimits{}, Watch{}));
    ASSERT_OK(driver_->create_root("c1", "fp1", Watch{}));
  }

  PoolSpec spec_;
  std::unique_ptr<Driver> driver_;
  ImageFiles files_;
};

std::string id_of(const char* name) {
  struct stat status {};
  if (::lstat(name, &status) != 0) return std::string(name) + ": missing";
  return std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid);
}

#define SEE(condition) \
  if (!(condition)) return std::string("not so: " #condition " errno ") + std::to_string(errno)

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += {kDigits[(byte >> 4) & 15], kDigits[byte & 15]};
  }
  return text;
}

bool acls_are_read_mapped() {
  utsname host{};
  int major = 0, minor = 0;
  ::uname(&host);
  std::istringstream release(host.release);
  char dot = 0;
  release >> major >> dot >> minor;
  return major > 6 || (major == 6 && minor >= 2);
}

std::string acl_of(const std::string& file) {
  char value[256];
  const ssize_t size = ::getxattr(file.c_str(), "system.posix_acl_access", value, sizeof value);
  return size < 0 ? "errno " + std::to_string(errno) : std::string(value, static_cast<std::size_t>(size));
}

std::string see_sample() {
  SEE(id_of("/") == "0:0");
  SEE(id_of("/etc/hostname") == "0:0");
  SEE(id_of("/home/user/file") == "1000:1000");
  SEE(id_of("/var/hole") == "100:65534");
  struct stat status {};
  SEE(::stat("/usr/bin/su", &status) == 0 && (status.st_mode & 07777) == 04755 && status.st_nlink == 2);
  SEE(::stat("/var/empty", &status) == 0 && (status.st_mode & 07777) == 01777);
  SEE(::stat("/var/hole", &status) == 0 && status.st_size == (8 << 20) + 4 && status.st_blocks < 4096);
  SEE(::stat("/etc", &status) == 0 && status.st_mtime > 981000000 && status.st_mtime < 981300000);
  SEE(::lstat("/bin", &status) == 0 && S_ISLNK(status.st_mode));
  SEE(::lstat("/var/fifo", &status) == 0 && S_ISFIFO(status.st_mode));
  SEE(::access("/var/\xc3\xa4\xc3\xb6", F_OK) == 0);
  char value[256];
  SEE(::getxattr("/usr/bin/ping", "security.capability", value, sizeof value) == 20);
  SEE(::getxattr("/home/user/file", "user.note", value, sizeof value) == 5);
  // squashfs knows no ACLs; Linux before 6.2 does not map their ids when they are read (they work all the same).
  if (!tar_images || !acls_are_read_mapped()) return "";
  const std::string seen = acl_of("/home/user/file");
  return seen == sample_acl() ? "" : "ACL is " + hex(seen) + ", wanted " + hex(sample_acl());
}

TEST_P(DriverTest, TwoMapsSeeTheSameZeroBasedIds) {
  make_image_and_root();
  ASSERT_OK(driver_->create_root("c2", "fp1", Watch{}));
  const Result<Fd> first = driver_->open_root({VolumeKind::kRoot, "c1"}, map_at(1000000));
  const Result<Fd> second = driver_->open_root({VolumeKind::kRoot, "c2"}, map_at(1065536));
  ASSERT_OK(first);
  ASSERT_OK(second);
  EXPECT_EQ(look_as_container(*first, map_at(1000000), see_sample), "");
  EXPECT_EQ(look_as_container(*second, map_at(1065536), see_sample), "");
  for (const char* tree : {"/images/fp1", "/volumes/c1"}) {
    const std::string file = spec_.directory + tree + "/rootfs/home/user/file";
    if (!tar_images || !path_exists(file)) continue;
    EXPECT_EQ(hex(acl_of(file)), hex(sample_acl())) << file;
  }
  // The other's ids mean nothing: every file is someone unknown's.
  EXPECT_EQ(look_as_container(*first, map_at(1065536), [] { return id_of("/etc/hostname"); }), "65534:65534");
  EXPECT_TRUE(host_mounts_with("test-").empty());
  EXPECT_TRUE(host_mounts_with("overlay").empty());
}

TEST_P(DriverTest, WhatAContainerChangesStaysZeroBasedOnDisk) {
  make_image_and_root();
  const IdMap map = map_at(1000000);
  Result<Fd> mount = driver_->open_root({VolumeKind::kRoot, "c1"}, map);
  ASSERT_OK(mount);
  const auto change = [] {
    std::ofstream("/etc/new") << "data";
    SEE(::chown("/etc/new", 33, 44) == 0 && ::chmod("/etc/new", 04755) == 0);
    SEE(::chown("/etc/hostname", 5, 6) == 0);  // copy-up on overlay
    std::ofstream("/etc/hostname") << "changed";
    SEE(::mkdir("/srv", 0755) == 0 && ::rename("/home", "/srv/home") == 0);  // a directory of the image
    SEE(::unlink("/usr/bin/ping") == 0);
    const char capability[20] = {1, 0, 0, 2, 0, 4, 0, 0};
    SEE(::setxattr("/etc/new", "security.capability", capability, sizeof capability, 0) == 0);
    SEE(::setxattr("/etc/new", "user.a", "b", 1, 0) == 0);
    SEE(::mknod("/dev-null", S_IFCHR | 0600, 0x103) != 0 && errno == EPERM);
    return std::string();
  };
  EXPECT_EQ(look_as_container(*mount, map, change), "");
  mount->reset();
  const std::string volume = spec_.directory + "/volumes/c1/";
  const std::string tree = volume + (path_exists(volume + "upper") ? "upper" : "rootfs");
  EXPECT_EQ(id_of((tree + "/etc/new").c_str()), "33:44");
  EXPECT_EQ(id_of((tree + "/etc/hostname").c_str()), "5:6");
  char value[64];
  EXPECT_EQ(::getxattr((tree + "/etc/new").c_str(), "security.capability", value, sizeof value), 20);  // revision 2
  // Opened again under another map, the changes are there.
  Result<Fd> again = driver_->open_root({VolumeKind::kRoot, "c1"}, map_at(2000000));
  ASSERT_OK(again);
  const auto check = [] {
    SEE(id_of("/etc/new") == "33:44");
    SEE(id_of("/etc/hostname") == "5:6");
    SEE(id_of("/srv/home/user/file") == "1000:1000");
    SEE(::access("/usr/bin/ping", F_OK) != 0);
    return std::string();
  };
  EXPECT_EQ(look_as_container(*again, map_at(2000000), check), "");
}

TEST_P(DriverTest, RootsAreIndependentOfEachOther) {
  make_image_and_root();
  ASSERT_OK(driver_->create_root("c2", "fp1", Watch{}));
  const IdMap map = map_at(1000000);
  {
    Result<Fd> mount = driver_->open_root({VolumeKind::kRoot, "c1"}, map);
    ASSERT_OK(mount);
    EXPECT_EQ(look_as_container(*mount, map,
                                [] {
                                  std::ofstream("/etc/only-c1") << "x";
                                  SEE(::access("/etc/only-c1", F_OK) == 0);
                                  return std::string();
                                }),
              "");
  }
  Result<Fd> other = driver_->open_root({VolumeKind::kRoot, "c2"}, map);
  ASSERT_OK(other);
  EXPECT_EQ(look_as_container(*other, map,
                              [] {
                                SEE(::access("/etc/only-c1", F_OK) != 0);
                                return see_sample();
                              }),
            "");
}

TEST_P(DriverTest, CopiesSnapshotsAndRenamesKeepContents) {
  make_image_and_root();
  const IdMap map = map_at(1000000);
  {
    Result<Fd> mount = driver_->open_root({VolumeKind::kRoot, "c1"}, map);
    ASSERT_OK(mount);
    EXPECT_EQ(look_as_container(*mount, map,
                                [] {
                                  std::ofstream("/etc/mark") << "x";
                                  SEE(::unlink("/etc/hostname") == 0);
                                  return std::string();
                                }),
              "");
  }
  ASSERT_OK(driver_->copy({VolumeKind::kRoot, "c1"}, {VolumeKind::kSnapshot, "c1/s0"}, Watch{}));
  ASSERT_OK(driver_->copy({VolumeKind::kSnapshot, "c1/s0"}, {VolumeKind::kRoot, "c3"}, Watch{}));
  ASSERT_OK(driver_->rename({VolumeKind::kRoot, "c3"}, {VolumeKind::kRoot, "c4"}));
  EXPECT_EQ(*list_volumes(spec_, VolumeKind::kRoot), (std::vector<std::string>{"c1", "c4"}));
  EXPECT_EQ(*list_volumes(spec_, VolumeKind::kSnapshot), (std::vector<std::string>{"c1/s0"}));
  const auto check = [] {
    SEE(::access("/etc/mark", F_OK) == 0 && ::access("/etc/hostname", F_OK) != 0);
    SEE(id_of("/home/user/file") == "1000:1000");
    return std::string();
  };
  {
    Result<Fd> snapshot = driver_->open_root({VolumeKind::kSnapshot, "c1/s0"}, map);
    ASSERT_OK(snapshot);
    EXPECT_EQ(look_as_container(*snapshot, map,
                                [&] {
                                  SEE(::mkdir("/x", 0700) != 0 && errno == EROFS);
                                  return check();
                                }),
              "");
    Result<Fd> copy = driver_->open_root({VolumeKind::kRoot, "c4"}, map);
    ASSERT_OK(copy);
    EXPECT_EQ(look_as_container(*copy, map,
                                [&] {
                                  SEE(::mkdir("/x", 0700) == 0);
                                  return check();
                                }),
              "");
  }
  const Result<void> taken = driver_->create_root("c4", "fp1", Watch{});
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().kind(), ErrorKind::kExists);
  ASSERT_OK(driver_->remove({VolumeKind::kSnapshot, "c1/s0"}));
  EXPECT_TRUE(list_volumes(spec_, VolumeKind::kSnapshot)->empty());
}

TEST_P(DriverTest, DeletedVolumesLeaveNothing) {
  make_image_and_root();
  ASSERT_OK(driver_->create_root("empty", "", Watch{}));
  EXPECT_OK(driver_->open_root({VolumeKind::kRoot, "empty"}, map_at(1000000)));
  const Result<void> busy = driver_->destroy();
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().kind(), ErrorKind::kBusy);
  ASSERT_OK(driver_->remove({VolumeKind::kRoot, "c1"}));
  ASSERT_OK(driver_->remove({VolumeKind::kRoot, "c1"}));  // missing is success
  ASSERT_OK(driver_->remove({VolumeKind::kRoot, "empty"}));
  ASSERT_OK(driver_->remove({VolumeKind::kImage, "fp1"}));
  ASSERT_OK(driver_->destroy());
  EXPECT_FALSE(path_exists(spec_.directory));
  EXPECT_FALSE(path_exists(path("pool.img")));
  driver_.reset();
  EXPECT_TRUE(loops_with(directory_).empty());
}

TEST_P(DriverTest, PoolGoesWithTheImagesInIt) {
  ASSERT_OK(driver_->create_image("fp1", files_, UnpackLimits{}, Watch{}));
  ASSERT_OK(driver_->destroy());
  EXPECT_FALSE(path_exists(spec_.directory));
  EXPECT_FALSE(path_exists(path("pool.img")));
  driver_.reset();
}

class OverlayTest : public DriverTest {};

TEST_P(OverlayTest, ImageInUseIsKept) {
  make_image_and_root();
  const Result<void> refused = driver_->remove({VolumeKind::kImage, "fp1"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::kBusy);
  ASSERT_OK(driver_->remove({VolumeKind::kRoot, "c1"}));
  EXPECT_OK(driver_->remove({VolumeKind::kImage, "fp1"}));
}

TEST_P(DriverTest, MetadataIsReachableBesideTheRoot) {
  make_image_and_root();
  const Result<DirFd> directory = open_volume_directory(spec_, {VolumeKind::kRoot, "c1"});
  ASSERT_OK(directory);
  EXPECT_EQ(*read_file_at(*directory, "metadata.yaml"), kSampleMetadata);
}

TEST_P(DriverTest, AnotherProcessFindsThePoolAgain) {
  make_image_and_root();
  const IdMap map = map_at(1000000);
  // A daemon that was killed: nothing was unmounted in an orderly way, a container still holds its root.
  Result<Fd> running = driver_->open_root({VolumeKind::kRoot, "c1"}, map);
  ASSERT_OK(running);
  const std::size_t loops = loops_with(directory_).size();
  shell("mkdir " + spec_.directory + "/staging/half " + spec_.directory + "/trash/old && touch " + spec_.directory +
        "/trash/old/x");
  driver_.reset();
  shell("awk '{print $5}' /proc/self/mountinfo | grep '^" + directory_ +
        "' | tac | while read p; do umount -l $p; done || true");
  driver_ = make_driver(spec_, GetParam().options);
  ASSERT_OK(driver_->mount());
  EXPECT_EQ(loops_with(directory_).size(), loops);  // the same device again, not a second one
  EXPECT_EQ(look_as_container(*running, map, see_sample), "");
  ASSERT_OK(driver_->create_root("c2", "fp1", Watch{}));
  Result<Fd> other = driver_->open_root({VolumeKind::kRoot, "c2"}, map);
  ASSERT_OK(other);
  EXPECT_EQ(look_as_container(*other, map, see_sample), "");
  EXPECT_EQ(loops_with(directory_).size(), std::max<std::size_t>(loops, loops_with("rootfs.squashfs").size()));
  running->reset();
  other->reset();
  ASSERT_OK(driver_->unmount());
  ASSERT_OK(driver_->mount());
  EXPECT_TRUE(list_names(*open_dir(spec_.directory + "/staging"))->empty());
  EXPECT_TRUE(list_names(*open_dir(spec_.directory + "/trash"))->empty());
}

constexpr DriverOptions kAttached{.overlay_layers = DriverOptions::OverlayLayers::kAttached};
constexpr DriverOptions kUnpack{.squashfs = DriverOptions::Squashfs::kUnpack};
INSTANTIATE_TEST_SUITE_P(
    All, DriverTest,
    testing::Values(Variant{"overlay_unified", DriverType::kOverlay, "unified", {}},
                    Variant{"overlay_squashfs", DriverType::kOverlay, "squashfs", {}},
                    Variant{"overlay_attached_layers", DriverType::kOverlay, "unified", kAttached},
                    Variant{"overlay_attached_squashfs", DriverType::kOverlay, "squashfs", kAttached},
                    Variant{"overlay_unpacked_squashfs", DriverType::kOverlay, "squashfs", kUnpack},
                    Variant{"overlay_erofs", DriverType::kOverlay, "erofs", {}},
                    Variant{"btrfs_erofs", DriverType::kBtrfs, "erofs", {}},
                    Variant{"btrfs_unified", DriverType::kBtrfs, "unified", {}},
                    Variant{"btrfs_squashfs", DriverType::kBtrfs, "squashfs", {}},
                    Variant{"btrfs_tar", DriverType::kBtrfs, "tar", {}},
                    Variant{"dir_unified", DriverType::kDir, "unified", {}},
                    Variant{"dir_squashfs", DriverType::kDir, "squashfs", {}}),
    [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(All, OverlayTest,
                         testing::Values(Variant{"unified", DriverType::kOverlay, "unified", {}},
                                         Variant{"squashfs", DriverType::kOverlay, "squashfs", {}}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cella::storage
