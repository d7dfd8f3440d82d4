// Images and pools together, on the real kernel: from an upload to a container's root and away again.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atomic>
#include <fstream>
#include <thread>

#include "base/files.h"
#include "base/spawn.h"
#include "base/syscalls.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/images.h"
#include "manager/operations.h"
#include "manager/pools.h"

namespace cella::manager {
namespace {

void shell(const std::string& command) {
  const Result<std::string> done = run_checked(Program{.path = "sh", .arguments = {"-ec", command}});
  ASSERT_TRUE(done.ok()) << command << ": " << done.error().message();
}

class ImagePoolTest : public testing::Test {
 protected:
  // As the daemon does: mounts of pools are not the host's. Threads made later inherit it.
  static void SetUpTestSuite() {
    if (::geteuid() != 0) return;
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(sys_mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr), 0);
  }
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char name[] = "/var/tmp/cella-image-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    shell("mkdir " + path("state") + " && mkdir -p " + path("tree/rootfs/etc") + " " + path("tree/templates") +
          " && echo sample > " + path("tree/rootfs/etc/hostname"));
    std::ofstream(path("tree/metadata.yaml"))
        << "architecture: " << host_architecture() << "\ncreation_date: 1700000000\nproperties:\n  os: Sample\n";
    open();
  }
  void TearDown() override {
    close();
    if (directory_.empty()) return;
    shell("awk '{print $5}' /proc/self/mountinfo | grep '^" + directory_ +
          "' | tac | while read p; do umount -l $p; done || true");
    shell("rm -rf --one-file-system " + directory_);
  }
  void open() {
    const Schema schemas[] = {image_schema(), pool_schema()};
    auto database = Database::open(path("state/db"), schemas);
    ASSERT_TRUE(database.ok()) << database.error().message();
    database_ = std::move(*database);
    events_ = std::make_unique<Events>();
    operations_ = std::make_unique<Operations>(*events_);
    auto pools = Pools::open({*database_, *events_, path("state")});
    ASSERT_TRUE(pools.ok()) << pools.error().message();
    pools_ = std::move(*pools);
    auto images = Images::open({*database_, *operations_, *events_, *pools_, path("state")});
    ASSERT_TRUE(images.ok()) << images.error().message();
    images_ = std::move(*images);
  }
  void close() {
    operations_.reset();
    images_.reset();
    pools_.reset();
    events_.reset();
    database_.reset();
  }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  ImageUpload unified(const std::string& tar_options = "") {
    const std::string file = images_->upload_directory() + "/upload-" + random_uuid();
    shell("tar -C " + path("tree") + " -czf " + file + " " + tar_options + " metadata.yaml templates rootfs");
    ImageUpload upload;
    upload.metadata_path = file;
    return upload;
  }
  ImageUpload split() {
    ImageUpload upload;
    upload.metadata_path = images_->upload_directory() + "/meta-" + random_uuid();
    upload.rootfs_path = images_->upload_directory() + "/root-" + random_uuid();
    shell("tar -C " + path("tree") + " -cJf " + upload.metadata_path + " metadata.yaml templates && mksquashfs " +
          path("tree/rootfs") + " " + upload.rootfs_path + " -quiet -no-progress");
    return upload;
  }
  OperationRecord import(ImageUpload upload) {
    const Result<OperationId> operation = images_->import(std::move(upload));
    if (!operation.ok()) {
      OperationRecord failed;
      failed.status = StatusCode::kFailure;
      failed.error = operation.error().message();
      return failed;
    }
    return *operations_->wait(*operation, std::nullopt);
  }
  std::string text(const OperationRecord& record, const std::string& key) {
    const auto found = record.metadata.find(key);
    return found == record.metadata.end() || !found->second.text() ? "" : *found->second.text();
  }
  std::vector<std::string> files_of_images() {
    std::vector<std::string> names = *list_names(*open_dir(path("state/images")));
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string directory_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Events> events_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<Pools> pools_;
  std::unique_ptr<Images> images_;
};

TEST_F(ImagePoolTest, ImportedImageBecomesAContainersRoot) {
  ImageUpload upload = split();
  upload.aliases = {{"sample/1", "first"}};
  upload.properties = {{"os", "Overridden"}, {"x", "y"}};
  const std::string original = *read_file(upload.rootfs_path);
  const OperationRecord imported = import(std::move(upload));
  ASSERT_EQ(imported.status, StatusCode::kSuccess) << imported.error;
  const std::string fingerprint = text(imported, "fingerprint");
  const Result<Image> image = images_->resolve("sample/1");
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->fingerprint, fingerprint);
  EXPECT_EQ(image->properties.at("os"), "Overridden");
  EXPECT_EQ(text(imported, "size"), std::to_string(image->size));
  const Result<ImageExport> files = images_->export_files(fingerprint.substr(0, 12));
  ASSERT_TRUE(files.ok());
  EXPECT_EQ(files->metadata.filename, "meta-" + fingerprint + ".tar.xz");
  EXPECT_EQ(files->rootfs->filename, fingerprint + ".squashfs");
  EXPECT_EQ(*read_file(files->rootfs->path), original);  // byte for byte

  ASSERT_TRUE(pools_->create({"p1", "overlay", "", {}}).ok());
  ASSERT_TRUE(pools_->create({"p2", "btrfs", "", {{"size", "200MiB"}}}).ok());
  for (const char* pool : {"p1", "p2"}) {
    const Result<void> made = pools_->create_root(pool, "c1", fingerprint, {});
    ASSERT_TRUE(made.ok()) << made.error().message();
    const Result<Fd> root = pools_->open_root(pool, "c1", *IdMap::isolated(1000000));
    ASSERT_TRUE(root.ok()) << root.error().message();
    EXPECT_EQ(*read_file_at(*root, "etc/hostname"), "sample\n");
    const auto metadata = pools_->metadata(pool, "c1");
    ASSERT_TRUE(metadata.ok());
    EXPECT_EQ((*metadata)->properties.at("os"), "Sample");
  }
  // The image goes; its overlay volume stays until the last root on it goes too.
  const Result<OperationId> removal = images_->remove(fingerprint);
  ASSERT_TRUE(removal.ok());
  EXPECT_EQ(operations_->wait(*removal, std::nullopt)->status, StatusCode::kSuccess);
  EXPECT_EQ(files_of_images(), std::vector<std::string>{"uploads"});
  EXPECT_EQ(images_->find_alias("sample/1").error().kind(), ErrorKind::kNotFound);
  EXPECT_TRUE(pools_->open_root("p1", "c1", *IdMap::isolated(1000000)).ok());
  EXPECT_EQ(pools_->volumes("p1")->size(), 2u);
  EXPECT_EQ(pools_->volumes("p2")->size(), 1u);
  for (const char* pool : {"p1", "p2"}) {
    EXPECT_EQ(pools_->remove(pool).error().kind(), ErrorKind::kBusy);
    ASSERT_TRUE(pools_->remove_root(pool, "c1").ok());
    EXPECT_TRUE(pools_->volumes(pool)->empty());
    const Result<void> removed = pools_->remove(pool);
    EXPECT_TRUE(removed.ok()) << removed.error().message();
  }
  EXPECT_TRUE(list_names(*open_dir(path("state/storage-pools")))->empty());
  EXPECT_TRUE(list_names(*open_dir(path("state/disks")))->empty());
}

TEST_F(ImagePoolTest, EverythingIsThereAgainAfterARestart) {
  ImageUpload upload = unified();
  upload.aliases = {{"a", ""}};
  ASSERT_EQ(import(std::move(upload)).status, StatusCode::kSuccess);
  const Image before = *images_->resolve("a");
  ASSERT_TRUE(pools_->create({"p1", "overlay", "text", {{"user.x", "y"}}}).ok());
  ASSERT_TRUE(pools_->create_root("p1", "c1", before.fingerprint, {}).ok());
  std::ofstream(path("state/images/uploads/left-over")) << "x";
  std::ofstream(path("state/images/" + std::string(64, 'e'))) << "an import that was cut short";
  close();
  open();
  EXPECT_EQ(images_->resolve("a")->fingerprint, before.fingerprint);
  EXPECT_EQ(files_of_images(), (std::vector<std::string>{before.fingerprint, "uploads"}));
  EXPECT_TRUE(list_names(*open_dir(images_->upload_directory()))->empty());
  EXPECT_EQ(pools_->find("p1")->config.at("user.x"), "y");
  EXPECT_TRUE(pools_->open_root("p1", "c1", *IdMap::isolated(1000000)).ok());
}

TEST_F(ImagePoolTest, BadUploadsLeaveNothing) {
  const auto refused = [&](ImageUpload upload, const std::string& in_message) {
    const OperationRecord record = import(std::move(upload));
    EXPECT_EQ(record.status, StatusCode::kFailure);
    EXPECT_NE(record.error.find(in_message), std::string::npos) << record.error;
    EXPECT_TRUE(list_names(*open_dir(images_->upload_directory()))->empty());
    EXPECT_EQ(files_of_images(), std::vector<std::string>{"uploads"});
    EXPECT_TRUE(images_->list().empty());
  };
  ImageUpload upload = unified();
  shell("head -c 150 " + upload.metadata_path + " > " + upload.metadata_path + ".cut && mv " + upload.metadata_path +
        ".cut " + upload.metadata_path);
  refused(std::move(upload), "archive damaged");
  refused(unified("--transform 's,rootfs/etc/hostname,rootfs/../../evil,'"), "\"..\"");
  upload = split();
  shell("truncate -s 200 " + upload.rootfs_path);
  refused(std::move(upload), "cut short");
  upload = split();
  shell("echo nonsense > " + upload.rootfs_path);
  refused(std::move(upload), "archive damaged");
  upload = unified();
  upload.fingerprint = std::string(64, '0');
  refused(std::move(upload), std::string(64, '0'));
  upload = unified();
  upload.aliases = {{"bad name", ""}};
  refused(std::move(upload), "bad name");
  shell("sed -i 's/^architecture.*/architecture: s390x/' " + path("tree/metadata.yaml"));
  refused(unified(), "s390x");
  shell("echo 'architecture: [' > " + path("tree/metadata.yaml"));
  refused(unified(), "metadata.yaml");
}

TEST_F(ImagePoolTest, TheSameImageTwiceIsRefused) {
  ImageUpload first = unified();
  ImageUpload second = first;
  second.metadata_path += "-copy";
  shell("cp " + first.metadata_path + " " + second.metadata_path);
  const OperationRecord done = import(std::move(first));
  ASSERT_EQ(done.status, StatusCode::kSuccess);
  const OperationRecord again = import(std::move(second));
  EXPECT_EQ(again.status, StatusCode::kFailure);
  EXPECT_NE(again.error.find("already exists"), std::string::npos);
  EXPECT_EQ(text(again, "fingerprint"), text(done, "fingerprint"));
  EXPECT_EQ(files_of_images(), (std::vector<std::string>{text(done, "fingerprint"), "uploads"}));
}

TEST_F(ImagePoolTest, ConcurrentCreationsShareOneImageVolume) {
  const OperationRecord imported = import(unified());
  ASSERT_EQ(imported.status, StatusCode::kSuccess);
  ASSERT_TRUE(pools_->create({"p1", "overlay", "", {}}).ok());
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      const Result<void> made = pools_->create_root("p1", "c" + std::to_string(i), text(imported, "fingerprint"), {});
      EXPECT_TRUE(made.ok()) << made.error().message();
      const Result<Fd> root = pools_->open_root("p1", "c" + std::to_string(i),
                                                *IdMap::isolated(1000000 + 65536 * static_cast<unsigned>(i)));
      EXPECT_TRUE(root.ok()) << root.error().message();
      good += made.ok() && root.ok();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(pools_->volumes("p1")->size(), 9u);
}

TEST_F(ImagePoolTest, AliasesCanBeChanged) {
  const std::string fingerprint = text(import(unified()), "fingerprint");
  ASSERT_TRUE(images_->create_alias({"one", "d", fingerprint.substr(0, 12), ""}).ok());
  EXPECT_EQ(images_->create_alias({"one", "", fingerprint, ""}).error().kind(), ErrorKind::kExists);
  EXPECT_EQ(images_->create_alias({"two", "", "feedbeef", ""}).error().kind(), ErrorKind::kNotFound);
  ASSERT_TRUE(images_->rename_alias("one", "three").ok());
  EXPECT_EQ(images_->find_alias("three")->target, fingerprint);
  EXPECT_EQ(images_->find_alias("three")->description, "d");
  EXPECT_FALSE(images_->find_alias("one").ok());
  ASSERT_EQ(images_->find(fingerprint)->aliases.size(), 1u);
  ASSERT_TRUE(images_->remove_alias("three").ok());
  EXPECT_TRUE(images_->find(fingerprint)->aliases.empty());
  EXPECT_EQ(images_->remove_alias("three").error().kind(), ErrorKind::kNotFound);
}

TEST_F(ImagePoolTest, PoolMistakesAreRefusedByName) {
  ASSERT_TRUE(pools_->create({"p1", "dir", "", {}}).ok());
  EXPECT_EQ(pools_->create({"p1", "dir", "", {}}).error().kind(), ErrorKind::kExists);
  EXPECT_NE(pools_->create({"p2", "zfs", "", {}}).error().message().find("zfs"), std::string::npos);
  EXPECT_NE(pools_->create({"p2", "dir", "", {{"colour", "red"}}}).error().message().find("colour"), std::string::npos);
  EXPECT_NE(pools_->create({"p2", "btrfs", "", {{"size", "1MiB"}}}).error().message().find("size"), std::string::npos);
  EXPECT_FALSE(pools_->create({"p2", "dir", "", {{"source", path("state/storage-pools/p1")}}}).ok());
  EXPECT_EQ(pools_->find("p2").error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(pools_->create_root("p2", "c1", "", {}).error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(pools_->create_root("p1", "c1", std::string(64, 'a'), {}).error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(pools_->set_root_quota("p1", "c1", Bytes{1}).error().kind(), ErrorKind::kUnsupported);
  EXPECT_FALSE(pools_->update("p1", {{"source", "/elsewhere"}}, "").ok());
  ASSERT_TRUE(pools_->patch("p1", {{"user.a", "b"}}, "described").ok());
  EXPECT_EQ(pools_->find("p1")->description, "described");
  EXPECT_GT(pools_->resources("p1")->space_total, 0);
  pools_->set_used_by([](const std::string&) { return std::vector<std::string>{"/1.0/profiles/default"}; });
  EXPECT_NE(pools_->remove("p1").error().message().find("currently in use"), std::string::npos);
  pools_->set_used_by({});
  EXPECT_TRUE(pools_->remove("p1").ok());
  EXPECT_FALSE(path_exists(path("state/storage-pools/p1")));
  EXPECT_FALSE(path_exists(path("state/disks/p2.img")));
}

}  // namespace
}  // namespace cella::manager
