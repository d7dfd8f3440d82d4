// Hostile and damaged archives: refused with the member's name, and nothing outside is touched.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <fstream>

#include "base/files.h"
#include "storage/unpack.h"
#include "tests/integration/storage/fixture.h"
#include "tests/integration/storage/tar_writer.h"

namespace cella::storage {
namespace {

class UnpackTest : public StorageTest {
 protected:
  void SetUp() override {
    StorageTest::SetUp();
    if (!IsSkipped()) shell("mkdir " + path("out"));
  }
  Fd archive(const std::string& bytes) {
    std::ofstream(path("archive"), std::ios::binary) << bytes;
    return Fd(*open_path(path("archive"), O_RDONLY));
  }
  Result<UnpackReport> unpack(const std::string& bytes, UnpackLimits limits = {}) {
    return unpack_archive(archive(bytes), ArchiveLayout::kUnified, *open_dir(path("out")), limits, Watch{});
  }
  Result<UnpackReport> inspect(const std::string& bytes, UnpackLimits limits = {}) {
    return inspect_archive(archive(bytes), ArchiveLayout::kUnified, limits, Watch{});
  }
};

struct Hostile {
  std::string name;
  std::function<void(TarWriter&)> build;
  std::string in_message;
};

const std::vector<Hostile>& hostile_archives() {
  static const std::vector<Hostile> table = {
      {"absolute name", [](TarWriter& tar) { tar.file("/tmp/cella-evil", "x"); }, "absolute"},
      {"dot dot", [](TarWriter& tar) { tar.file("rootfs/../../evil", "x"); }, "\"..\""},
      {"dot dot first", [](TarWriter& tar) { tar.file("../evil", "x"); }, "\"..\""},
      {"through a link", [](TarWriter& tar) { tar.symlink("rootfs/a", "/tmp").file("rootfs/a/evil", "x"); },
       "not a directory"},
      {"through a relative link", [](TarWriter& tar) { tar.symlink("rootfs/a", "../..").file("rootfs/a/evil", "x"); },
       "not a directory"},
      {"directory over a link",
       [](TarWriter& tar) { tar.symlink("rootfs/a", "/tmp").directory("rootfs/a").file("rootfs/a/evil", "x"); },
       "another type"},
      {"file over a link", [](TarWriter& tar) { tar.symlink("rootfs/a", "/etc/passwd").file("rootfs/a", "x"); },
       "another type"},
      {"link over a directory", [](TarWriter& tar) { tar.directory("rootfs/d").symlink("rootfs/d", "/"); },
       "another type"},
      {"rootfs becomes a link", [](TarWriter& tar) { tar.symlink("rootfs", "/"); }, "not a directory"},
      {"templates is a link", [](TarWriter& tar) { tar.symlink("templates", "/etc"); }, "templates"},
      {"link in templates", [](TarWriter& tar) { tar.symlink("templates/t", "/etc/shadow"); }, "templates/t"},
      {"metadata is a link", [](TarWriter& tar) { tar.symlink("metadata.yaml", "/etc/shadow"); }, "metadata.yaml"},
      {"hard link out", [](TarWriter& tar) { tar.hard_link("rootfs/h", "../../../etc/shadow"); }, "\"..\""},
      {"hard link absolute", [](TarWriter& tar) { tar.hard_link("rootfs/h", "/etc/shadow"); }, "absolute"},
      {"hard link to nothing", [](TarWriter& tar) { tar.hard_link("rootfs/h", "rootfs/none"); }, "did not come before"},
      {"hard link to a directory", [](TarWriter& tar) { tar.directory("rootfs/d").hard_link("rootfs/h", "rootfs/d"); },
       "directory"},
      {"hard link to metadata", [](TarWriter& tar) { tar.hard_link("rootfs/h", "metadata.yaml"); }, "out of its tree"},
      {"hard link to itself", [](TarWriter& tar) { tar.file("rootfs/h", "x").hard_link("rootfs/h", "rootfs/h"); },
       "itself"},
      {"owner out of range", [](TarWriter& tar) { tar.add({.name = "rootfs/f", .uid = 65536}); }, "65535"},
      {"empty link", [](TarWriter& tar) { tar.symlink("rootfs/l", ""); }, "rootfs/l"},
      {"metadata as a directory", [](TarWriter& tar) { tar.directory("metadata.yaml"); }, "metadata.yaml"},
  };
  return table;
}

TEST_F(UnpackTest, HostileArchivesAreRefusedByInspectionAndByUnpacking) {
  for (const Hostile& hostile : hostile_archives()) {
    TarWriter tar;
    tar.preamble();
    hostile.build(tar);
    for (const Result<UnpackReport>& result : {inspect(tar.finish()), unpack(tar.finish())}) {
      ASSERT_FALSE(result.ok()) << hostile.name;
      EXPECT_EQ(result.error().kind(), ErrorKind::kInvalid) << hostile.name << ": " << result.error().message();
      EXPECT_NE(result.error().message().find(hostile.in_message), std::string::npos)
          << hostile.name << ": " << result.error().message();
    }
    shell("rm -rf " + path("out") + " && mkdir " + path("out"));
    EXPECT_FALSE(path_exists("/tmp/cella-evil"));
    EXPECT_FALSE(path_exists(path("evil")));
  }
}

TEST_F(UnpackTest, IncompleteImagesAreRefused) {
  EXPECT_EQ(inspect(TarWriter().directory("rootfs/").finish()).error().what(), "archive has no metadata.yaml");
  EXPECT_EQ(inspect(TarWriter().file("metadata.yaml", "x").finish()).error().what(), "archive has no rootfs directory");
  EXPECT_EQ(inspect("").error().kind(), ErrorKind::kInvalid);
  EXPECT_EQ(inspect("this is no archive at all, but long enough to be read as something").error().kind(),
            ErrorKind::kInvalid);
}

TEST_F(UnpackTest, DamagedArchivesAreRefusedInEveryCompression) {
  for (const char* compression : {"", "gz", "xz", "zst", "bz2"}) {
    const std::string good = *read_file(make_unified(directory_, compression), 64u << 20);
    ASSERT_OK(inspect(good));
    const Result<UnpackReport> half = inspect(good.substr(0, good.size() / 2));
    ASSERT_FALSE(half.ok()) << compression;
    EXPECT_EQ(half.error().kind(), ErrorKind::kInvalid) << half.error().message();
    EXPECT_NE(half.error().message().find("archive damaged"), std::string::npos) << half.error().message();
  }
  // Cut exactly between two members, where a plain tar looks whole.
  EXPECT_FALSE(inspect(TarWriter().preamble().unfinished()).ok());
  TarWriter longer;
  longer.preamble().add({.name = "rootfs/f", .data = "short", .claimed_size = 100000});
  EXPECT_EQ(inspect(longer.finish()).error().kind(), ErrorKind::kInvalid);
}

TEST_F(UnpackTest, LimitsStopBombs) {
  shell("cd " + directory_ +
        " && mkdir -p bomb/rootfs && printf 'architecture: x86_64\\ncreation_date: 1\\n' > bomb/metadata.yaml"
        " && head -c 64M /dev/zero > bomb/rootfs/zero && tar -C bomb -caf bomb.tar.zst metadata.yaml rootfs");
  const std::string bomb = *read_file(path("bomb.tar.zst"));
  EXPECT_LT(bomb.size(), 100000u);
  const Result<UnpackReport> bytes = unpack(bomb, UnpackLimits{.max_bytes = Bytes{32u << 20}});
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.error().kind(), ErrorKind::kNoSpace);
  TarWriter many;
  many.preamble();
  for (int i = 0; i < 100; ++i) many.file("rootfs/f" + std::to_string(i), "");
  const Result<UnpackReport> entries = inspect(many.finish(), UnpackLimits{.max_entries = 50});
  ASSERT_FALSE(entries.ok());
  EXPECT_EQ(entries.error().kind(), ErrorKind::kNoSpace);
}

TEST_F(UnpackTest, TenGigabytesOfZerosStopAtTheLimit) {
  // Two files of 5 GiB: compressed frames one after another are one stream.
  const auto header = [&](const std::string& file, TarWriter tar, const std::string& name) {
    std::ofstream(path(file)) << tar.add({.name = name, .claimed_size = 5ull << 30}).unfinished();
  };
  header("first.tar", std::move(TarWriter().preamble()), "rootfs/zero");
  header("second.tar", TarWriter(), "rootfs/more");
  shell("cd " + directory_ +
        " && zstd -q first.tar second.tar && head -c 256M /dev/zero | zstd -q -1 -o zeros.zst"
        " && for file in first second; do cat $file.tar.zst; for i in $(seq 20); do cat zeros.zst; done; done > bomb.tar.zst");
  const std::string bomb = *read_file(path("bomb.tar.zst"));
  EXPECT_LT(bomb.size(), 2u << 20);
  const Result<UnpackReport> report = unpack(bomb, UnpackLimits{.max_bytes = Bytes{64u << 20}});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::kNoSpace) << report.error().message();
  struct stat status {};
  EXPECT_TRUE(::stat(path("out/rootfs/zero").c_str(), &status) != 0 || status.st_blocks * 512 <= (65 << 20));
}

TEST_F(UnpackTest, HolesOfTerabytesCountAsBytes) {
  shell("cd " + directory_ +
        " && mkdir -p sparse/rootfs && printf 'architecture: x86_64\\ncreation_date: 1\\n' > sparse/metadata.yaml"
        " && truncate -s 8T sparse/rootfs/hole && tar -S -C sparse -cf sparse.tar metadata.yaml rootfs");
  const std::string sparse = *read_file(path("sparse.tar"));
  EXPECT_LT(sparse.size(), 100000u);
  const Result<UnpackReport> report = unpack(sparse);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind(), ErrorKind::kNoSpace) << report.error().message();
}

TEST_F(UnpackTest, AnArchiveCutAnywhereIsRefused) {
  shell("cd " + directory_ +
        " && mkdir -p noise/rootfs && printf 'architecture: x86_64\\ncreation_date: 1\\n' > noise/metadata.yaml"
        " && head -c 1M /dev/urandom > noise/rootfs/noise && tar -C noise -cf noise.tar metadata.yaml rootfs"
        " && gzip -k noise.tar");
  for (const char* name : {"noise.tar", "noise.tar.gz"}) {
    const std::string whole = *read_file(path(name));
    ASSERT_OK(inspect(whole));
    for (std::size_t length = 0; length + 10240 < whole.size(); length += 64u << 10) {
      const Result<UnpackReport> report = inspect(whole.substr(0, length));
      ASSERT_FALSE(report.ok()) << name << " cut at " << length;
      EXPECT_EQ(report.error().kind(), ErrorKind::kInvalid) << report.error().message();
    }
  }
}

TEST_F(UnpackTest, DeviceNodesAreCountedAndNotMade) {
  TarWriter tar;
  tar.preamble()
      .add({.name = "rootfs/null", .type = '3'})
      .file("rootfs/f", "x")
      .file("rootfs/f", "second")
      .file("other/f", "x");
  const Result<UnpackReport> report = unpack(tar.finish());
  ASSERT_OK(report);
  EXPECT_EQ(report->skipped_devices, 1u);
  EXPECT_FALSE(path_exists(path("out/rootfs/null")));
  EXPECT_FALSE(path_exists(path("out/other")));
  EXPECT_EQ(*read_file(path("out/rootfs/f")), "second");  // a later member of the same type replaces
  EXPECT_EQ(report->metadata, "architecture: x86_64\ncreation_date: 1\n");
}

TEST_F(UnpackTest, CancellingEndsTheWorker) {
  shell("cd " + directory_ +
        " && mkdir -p big/rootfs && printf 'architecture: x86_64\\ncreation_date: 1\\n' > big/metadata.yaml"
        " && head -c 32M /dev/urandom > big/rootfs/noise && tar -C big -cf big.tar metadata.yaml rootfs");
  int asked = 0;
  Watch watch;
  watch.cancelled = [&] { return ++asked == 3; };
  const Result<UnpackReport> result =
      inspect_archive(*open_path(path("big.tar"), O_RDONLY), ArchiveLayout::kUnified, UnpackLimits{}, watch);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(asked, 3);
}

TEST_F(UnpackTest, TruncatedSquashfsIsRefused) {
  const SplitImage image = make_split(directory_, "squashfs");
  EXPECT_EQ(*detect_rootfs(*open_path(image.rootfs, O_RDONLY), "r"), RootfsFormat::kFileSystem);
  shell("head -c 3000 " + image.rootfs + " > " + path("cut") + " && head -c 40 " + image.rootfs + " > " + path("tiny"));
  for (const char* name : {"cut", "tiny"}) {
    const Result<RootfsFormat> format = detect_rootfs(*open_path(path(name), O_RDONLY), "r");
    ASSERT_FALSE(format.ok());
    EXPECT_EQ(format.error().kind(), ErrorKind::kInvalid);
  }
}

TEST_F(UnpackTest, FullDiskFailsCleanlyOnEveryDriver) {
  make_unified(directory_, "gz");
  shell("cd " + directory_ + " && head -c 40M /dev/urandom > unified-tree/rootfs/noise && rm unified.tar.gz");
  const std::string file = make_unified(directory_, "");
  shell("truncate -s 24M " + path("small.img") + " && mkfs.ext4 -q " + path("small.img") + " && mkdir " +
        path("small") + " && mount -o loop " + path("small.img") + " " + path("small") + " && mkdir " +
        path("small/pool"));
  for (const DriverType type : {DriverType::kOverlay, DriverType::kDir, DriverType::kBtrfs}) {
    PoolSpec spec{.name = "small", .driver = type, .directory = path("small/pool")};
    if (type == DriverType::kBtrfs) {
      spec.directory = path("bpool");
      spec.source = path("bpool.img");
      spec.size = Bytes{115u << 20};
      shell("head -c 100M /dev/urandom >> " + path("unified-tree/rootfs/noise") + " && rm " + file);
      make_unified(directory_, "");
    }
    const auto driver = make_driver(spec);
    ASSERT_OK(driver->create());
    const Result<void> full = driver->create_image("fp", {file, ""}, UnpackLimits{}, Watch{});
    ASSERT_FALSE(full.ok());
    EXPECT_EQ(full.error().kind(), ErrorKind::kNoSpace) << full.error().message();
    EXPECT_NE(full.error().message().find("noise"), std::string::npos) << full.error().message();
    EXPECT_TRUE(list_volumes(spec, VolumeKind::kImage)->empty());
    ASSERT_OK(driver->unmount());  // waits for the trash
    ASSERT_OK(driver->mount());
    EXPECT_TRUE(list_names(*open_dir(spec.directory + "/staging"))->empty());
    // There is room again.
    EXPECT_OK(driver->create_root("c1", "", Watch{}));
    EXPECT_OK(driver->remove({VolumeKind::kRoot, "c1"}));
    ASSERT_OK(driver->destroy());
    shell("mkdir -p " + path("small/pool"));
  }
  shell("umount " + path("small"));
}

}  // namespace
}  // namespace cella::storage
