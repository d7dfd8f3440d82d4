// Snapshots and copies of the overlay driver by shared layers, on the real kernel.
#include "tests/integration/storage/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <sstream>

#include "base/files.h"
#include "base/spawn.h"
#include "storage/layer_list.h"

namespace cella::storage {
namespace {

// Everything below a directory that a container can see, one line a name.
void describe(const std::string& directory, std::string& text) {
  std::vector<std::string> names;
  DIR* stream = ::opendir(directory.empty() ? "/" : directory.c_str());
  while (const dirent* entry = ::readdir(stream)) names.emplace_back(entry->d_name);
  ::closedir(stream);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    const std::string path = directory + "/" + name;
    struct stat status {};
    ::lstat(path.c_str(), &status);
    std::ostringstream line;
    line << path << " " << std::oct << status.st_mode << std::dec << " " << status.st_uid << " " << status.st_mtime;
    char value[64];
    const ssize_t size = ::lgetxattr(path.c_str(), "user.note", value, sizeof value);
    if (size > 0) line << " " << std::string(value, static_cast<std::size_t>(size));
    if (S_ISREG(status.st_mode)) line << " " << std::ifstream(path).rdbuf();
    text += line.str() + "\n";
    if (S_ISDIR(status.st_mode)) describe(path, text);
  }
}

std::string description() {
  std::string text;
  describe("", text);
  return text;
}

// One random change of the kinds that overlays treat in ways of their own.
class Mischief {
 public:
  explicit Mischief(unsigned seed) : random_(seed) {}
  void act() {
    const std::string path = some_path();
    const std::string other = some_path();
    switch (random_() % 10) {
      case 0:
      case 1:
        std::ofstream(path, std::ios::app) << random_() % 1000;
        return;
      case 2:
        ::mkdir(path.c_str(), 0700 + random_() % 64);
        return;
      case 3:
        ::rename(path.c_str(), other.c_str());
        return;
      case 4:  // a directory that was there before comes out empty
        ::rename(path.c_str(), ("/gone" + std::to_string(random_())).c_str());
        ::mkdir(path.c_str(), 0755);
        return;
      case 5:
        ::unlink(path.c_str());
        ::rmdir(path.c_str());
        return;
      case 6:
        ignored_ = ::link(path.c_str(), other.c_str());
        return;
      case 7:
        ::chmod(path.c_str(), 0600 + random_() % 128);
        ::setxattr(path.c_str(), "user.note", "note", 1 + random_() % 4, 0);
        return;
      case 8:
        if (::symlink(path.c_str(), other.c_str()) != 0)
          ignored_ = ::lchown(path.c_str(), static_cast<uid_t>(random_() % 100), 5);
        return;
      default:  // of the image
        ::rename("/home", ("/" + name() + "/h").c_str());
        ::rename(("/" + name() + "/h").c_str(), "/home");
        return;
    }
  }

 private:
  std::string name() { return std::string(1, static_cast<char>('a' + random_() % 4)); }
  std::string some_path() {
    std::string path;
    for (auto depth = 1 + random_() % 3; depth > 0; --depth) path += "/" + name();
    return random_() % 4 == 0 ? "/home/user" + path : path;
  }
  std::mt19937 random_;
  int ignored_ = 0;  // a name that is taken or missing is part of the game
};

struct LayerVariant {
  std::string name;
  std::string format;  // of the image; "" for a root without one
  DriverOptions options;
};
void PrintTo(const LayerVariant& variant, std::ostream* out) { *out << variant.name; }

class LayersTest : public StorageTest, public testing::WithParamInterface<LayerVariant> {
 protected:
  void SetUp() override {
    StorageTest::SetUp();
    if (IsSkipped()) return;
    spec_ = {.name = "test", .driver = DriverType::kOverlay, .directory = path("pool")};
    driver_ = make_driver(spec_, GetParam().options);
    ASSERT_OK(driver_->create());
    ImageFiles files;
    if (GetParam().format == "squashfs") {
      const SplitImage image = make_split(directory_, "squashfs");
      files = {image.metadata, image.rootfs};
    } else if (!GetParam().format.empty()) {
      files.metadata_path = make_unified(directory_, "gz");
    }
    if (!GetParam().format.empty()) {
      ASSERT_OK(driver_->create_image("fp1", files, UnpackLimits{}, Watch{}));
    }
    ASSERT_OK(driver_->create_root("c1", GetParam().format.empty() ? "" : "fp1", Watch{}));
    if (GetParam().format.empty()) make_sample_tree(spec_.directory + "/volumes/c1/rootfs");
  }
  void TearDown() override {
    if (driver_) {
      EXPECT_OK(driver_->unmount());
    }
    driver_.reset();
    StorageTest::TearDown();
  }

  std::string look(const VolumeId& volume, const std::function<std::string()>& work) {
    const Result<Fd> mount = driver_->open_root(volume, map_);
    if (!mount.ok()) return mount.error().message();
    return look_as_container(*mount, map_, work);
  }
  std::string touch(const std::string& file, const std::string& text) {
    return look(kC1, [&] {
      std::ofstream(file) << text;
      return std::string();
    });
  }
  Result<void> snapshot(const std::string& name) { return driver_->copy(kC1, snapshot_id(name), Watch{}); }
  // A root without image is copied once, for nobody can tell whether it is mounted; its snapshot has layers from then on.
  void start_from_snapshot() {
    if (!GetParam().format.empty()) return;
    ASSERT_OK(driver_->remove(kC1));
    ASSERT_OK(driver_->copy(snapshot_id("s0"), kC1, Watch{}));
  }
  static std::string shell_output(const std::string& command) {
    const Result<std::string> done = run_checked(Program{.path = "sh", .arguments = {"-ec", command}});
    return done.ok() ? *done : done.error().message();
  }
  static VolumeId snapshot_id(const std::string& name) { return {VolumeKind::kSnapshot, "c1/" + name}; }
  std::size_t layers_on_disk() {
    EXPECT_OK(driver_->unmount());  // empties the trash
    EXPECT_OK(driver_->mount());
    return list_names(*open_dir(spec_.directory + "/layers"))->size();
  }
  std::size_t list_length(const std::string& volume) {
    return read_layer_list(*open_dir(spec_.directory + "/" + volume))->size();
  }

  const VolumeId kC1{VolumeKind::kRoot, "c1"};
  const IdMap map_ = map_at(1000000);
  PoolSpec spec_;
  std::unique_ptr<Driver> driver_;
};

// What needs an overlay: the root of an instance without an image is a plain tree until its first snapshot.
class LayersOverImageTest : public LayersTest {};
class ManySnapshotsTest : public LayersTest {};

TEST_P(LayersTest, AnySequenceOfChangesLooksTheSameInEverySnapshot) {
  std::vector<std::string> seen;
  ASSERT_OK(snapshot("s0"));
  start_from_snapshot();
  seen.push_back(look(kC1, description));
  for (unsigned round = 1; round <= 45; ++round) {
    seen.push_back(look(kC1, [&] {
      Mischief mischief(round);
      for (int i = 0; i < 25; ++i) mischief.act();
      return description();
    }));
    ASSERT_OK(snapshot("s" + std::to_string(round)));
    EXPECT_LE(list_length("volumes/c1"), 40u);
    ASSERT_EQ(look(kC1, description), seen.back()) << "after snapshot " << round;
  }
  for (std::size_t round = 0; round < seen.size(); ++round)
    ASSERT_EQ(look(snapshot_id("s" + std::to_string(round)), description), seen[round]) << "snapshot " << round;
  // Many were merged meanwhile.
  EXPECT_GT(list_length("snapshots/c1/s45"), 20u);
  EXPECT_LT(list_length("snapshots/c1/s45"), 40u);
  // The random changes did move directories of lower layers.
  EXPECT_NE(shell_output("getfattr -R -h -d -m trusted.overlay.redirect " + spec_.directory + "/layers | wc -l"), "0\n");
  const VolumeId copy{VolumeKind::kRoot, "c2"};
  ASSERT_OK(driver_->copy(snapshot_id("s33"), copy, Watch{}));
  EXPECT_EQ(look(copy, description), seen[33]);
}

TEST_P(LayersTest, LayersGoWithTheLastVolumeThatNamesThem) {
  ASSERT_EQ(touch("/one", "1"), "");
  ASSERT_OK(snapshot("s0"));
  start_from_snapshot();
  EXPECT_EQ(layers_on_disk(), 1u);
  ASSERT_OK(snapshot("s1"));  // nothing new
  EXPECT_EQ(layers_on_disk(), 1u);
  ASSERT_EQ(touch("/two", "2"), "");
  ASSERT_OK(snapshot("s2"));
  EXPECT_EQ(layers_on_disk(), 2u);
  ASSERT_OK(driver_->remove(snapshot_id("s0")));
  ASSERT_OK(driver_->remove(snapshot_id("s2")));
  EXPECT_EQ(layers_on_disk(), 2u);  // the root stands on both
  ASSERT_OK(driver_->remove(kC1));
  EXPECT_EQ(layers_on_disk(), 1u);
  ASSERT_OK(driver_->rename(snapshot_id("s1"), kC1));
  EXPECT_EQ(look(kC1, [] { return std::string(::access("/one", F_OK) == 0 ? "" : "gone"); }), "");
  ASSERT_OK(driver_->remove(kC1));
  EXPECT_EQ(layers_on_disk(), 0u);
}

TEST_P(LayersOverImageTest, WhatIsMountedIsCopiedAndNotFrozen) {
  ASSERT_EQ(touch("/before", "1"), "");
  const Result<Fd> running = driver_->open_root(kC1, map_);
  ASSERT_OK(running);
  ASSERT_OK(snapshot("s0"));
  EXPECT_EQ(list_length("volumes/c1"), 0u);
  EXPECT_EQ(look_as_container(*running, map_,
                              [] {
                                std::ofstream("/after") << "2";
                                return std::string(::access("/after", F_OK) == 0 ? "" : "not written");
                              }),
            "");
  EXPECT_EQ(look(snapshot_id("s0"),
                 [] {
                   if (::access("/before", F_OK) != 0) return std::string("not there");
                   return std::string(::access("/after", F_OK) == 0 ? "leaked" : "");
                 }),
            "");
}

TEST_P(LayersOverImageTest, AnInterruptedFreezeIsEndedOrTakenBack) {
  ASSERT_EQ(touch("/kept", "1"), "");
  const std::string volume = spec_.directory + "/volumes/c1";
  const auto kept = [] { return std::string(::access("/kept", F_OK) == 0 ? "" : "lost"); };
  const std::string prepare =
      "cd " + volume + " && mkdir upper.new && chmod 755 upper.new && echo 0.1.2 > layers.next";
  const std::string move = " && mv upper ../../layers/0.1.2";
  const std::vector<std::string> states{
      "mkdir " + volume + "/upper.new", prepare, prepare + move, prepare + move + " && mv layers.next layers",
      prepare + move + " && mv layers.next layers && mv upper.new upper"};
  for (const std::string& state : states) {
    shell("rm -rf " + path("saved") + " && cp -a " + spec_.directory + " " + path("saved"));
    ASSERT_OK(driver_->unmount());
    shell(state);
    ASSERT_OK(driver_->mount());
    EXPECT_EQ(look(kC1, kept), "") << state;
    ASSERT_OK(snapshot("s0"));
    EXPECT_EQ(look(snapshot_id("s0"), kept), "") << state;
    EXPECT_EQ(layers_on_disk(), 1u) << state;
    ASSERT_OK(driver_->unmount());
    shell("rm -rf " + spec_.directory + " && cp -a " + path("saved") + " " + spec_.directory);
    ASSERT_OK(driver_->mount());
  }
}

TEST_P(LayersOverImageTest, PoolsFromBeforeThereWereLayersWork) {
  ASSERT_EQ(touch("/kept", "1"), "");
  ASSERT_OK(driver_->unmount());
  // As the driver wrote it then: a snapshot with files of its own over the image.
  shell("cd " + spec_.directory + " && rmdir layers && mkdir snapshots/c1 && cp -a volumes/c1 snapshots/c1/old");
  ASSERT_OK(driver_->mount());
  const auto kept = [] { return std::string(::access("/kept", F_OK) == 0 ? "" : "lost"); };
  EXPECT_EQ(look(snapshot_id("old"), kept), "");
  const VolumeId copy{VolumeKind::kRoot, "c2"};
  ASSERT_OK(driver_->copy(snapshot_id("old"), copy, Watch{}));
  EXPECT_EQ(look(snapshot_id("old"), kept), "");
  EXPECT_EQ(look(copy, kept), "");
  EXPECT_EQ(look(kC1, kept), "");
  EXPECT_EQ(list_length("volumes/c2"), 1u);
}

// Writes and takes snapshots until it is killed; says on `ready` when there is the first.
[[noreturn]] void snapshot_forever(Driver& driver, const IdMap& map, const std::string& prefix, const Fd& ready) {
  if (!driver.mount().ok()) ::_exit(1);
  for (unsigned i = 0;; ++i) {
    const std::string name = prefix + std::to_string(i);
    {
      const Result<Fd> root = driver.open_root({VolumeKind::kRoot, "c1"}, map);
      if (!root.ok()) ::_exit(2);
      look_as_container(*root, map, [&] {
        std::ofstream("/number") << name;
        return std::string();
      });
    }
    const VolumeId snapshot{VolumeKind::kSnapshot, "c1/" + name};
    if (!driver.copy({VolumeKind::kRoot, "c1"}, snapshot, Watch{}).ok()) ::_exit(3);
    if (i % 3 == 2) (void)driver.remove(snapshot);
    if (i == 0 && ::write(ready.get(), "x", 1) != 1) ::_exit(4);
  }
}

TEST_P(LayersTest, AKilledProcessLeavesEveryVolumeWhole) {
  ASSERT_EQ(touch("/number", "0"), "");
  ASSERT_OK(snapshot("base"));
  std::mt19937 random(7);
  for (int round = 0; round < 10; ++round) {
    ASSERT_OK(driver_->unmount());
    driver_ = make_driver(spec_, GetParam().options);
    Result<Pipe> ready = make_pipe();
    ASSERT_OK(ready);
    const pid_t child = ::fork();
    if (child == 0) snapshot_forever(*driver_, map_, "k" + std::to_string(round) + "-", ready->write_end);
    ready->write_end.reset();
    char byte = 0;
    EXPECT_EQ(::read(ready->read_end.get(), &byte, 1), 1);
    const timespec pause{0, static_cast<long>(random() % 40'000'000)};
    ::nanosleep(&pause, nullptr);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "round " << round << " exit " << WEXITSTATUS(status);
    ASSERT_OK(driver_->mount());
    ASSERT_EQ(look(kC1, [] { return std::string(::access("/number", F_OK) == 0 ? "" : "lost"); }), "");
    const auto snapshots = list_volumes(spec_, VolumeKind::kSnapshot);
    ASSERT_OK(snapshots);
    EXPECT_GE(snapshots->size(), 2u);
    for (const std::string& name : *snapshots) {
      if (name == "c1/base") continue;
      ASSERT_EQ(look({VolumeKind::kSnapshot, name}, [] { return *read_file("/number"); }), name.substr(3));
      ASSERT_OK(driver_->remove({VolumeKind::kSnapshot, name}));
    }
  }
  ASSERT_OK(driver_->remove(snapshot_id("base")));
  ASSERT_OK(driver_->remove(kC1));
  EXPECT_EQ(layers_on_disk(), 0u);
}

TEST_P(ManySnapshotsTest, TheThousandthSnapshotCostsAsMuchAsTheFirst) {
  ASSERT_OK(driver_->create_root("young", "fp1", Watch{}));
  unsigned number = 0;
  const auto timed_snapshot = [&](const std::string& volume) {
    std::ofstream(spec_.directory + "/volumes/" + volume + "/upper/file" + std::to_string(number % 10)) << number;
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_OK(driver_->copy({VolumeKind::kRoot, volume},
                            {VolumeKind::kSnapshot, volume + "/s" + std::to_string(number++)}, Watch{}));
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  };
  for (unsigned i = 0; i < 1000; ++i) timed_snapshot("c1");
  std::vector<double> old;
  std::vector<double> young;
  for (unsigned i = 0; i < 21; ++i) {
    old.push_back(timed_snapshot("c1"));
    young.push_back(timed_snapshot("young"));
  }
  std::sort(old.begin(), old.end());
  std::sort(young.begin(), young.end());
  std::printf("snapshot after 1000: median %.2f ms, highest %.2f ms; after none: %.2f ms, %.2f ms\n", old[10],
              old.back(), young[10], young.back());
  EXPECT_LT(old[10], 2 * young[10]);
  EXPECT_LT(list_length("volumes/c1"), 40u);
  EXPECT_EQ(look(kC1, [] { return *read_file("/file9"); }).size(), 3u);
}

constexpr DriverOptions kAttached{.overlay_layers = DriverOptions::OverlayLayers::kAttached};
const LayerVariant kUnified{"unified", "unified", {}};
const LayerVariant kSquashfs{"squashfs", "squashfs", {}};
const LayerVariant kAttachedLayers{"attached", "unified", kAttached};
const LayerVariant kImageless{"imageless", "", {}};

std::string name_of(const testing::TestParamInfo<LayerVariant>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, LayersTest, testing::Values(kUnified, kSquashfs, kAttachedLayers, kImageless), name_of);
INSTANTIATE_TEST_SUITE_P(All, LayersOverImageTest, testing::Values(kUnified, kSquashfs, kAttachedLayers), name_of);
INSTANTIATE_TEST_SUITE_P(All, ManySnapshotsTest, testing::Values(kUnified), name_of);

}  // namespace
}  // namespace cella::storage
