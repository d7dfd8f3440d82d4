// Snapshots, restores, copies, moves, publishing and backups with real containers on an overlay and a dir pool.
#include <filesystem>

#include "base/files.h"
#include "cgroups/freeze.h"
#include "manager/database.h"
#include "manager/instance_backups.h"
#include "manager/instance_publish.h"
#include "manager/instance_records.h"
#include "manager/instance_restore.h"
#include "manager/instance_snapshots.h"
#include "manager/snapshot_records.h"
#include "tests/integration/manager/server_fixture.h"

namespace cella::manager::test {
namespace {

class InstanceSnapshotsTest : public ServerTest {
 protected:
  std::string output(const std::string& name, const std::string& script) {
    return exec(name, {"sh", "-c", script}).output;
  }
  void snapshot(const std::string& name, const std::string& snapshot) {
    finish(server_->snapshots().create(kPrefix + name, {.name = snapshot}, std::nullopt));
  }
  void restore(const std::string& name, const std::string& snapshot) {
    finish(server_->restore().restore(kPrefix + name, snapshot, std::nullopt));
  }
  std::vector<std::string> names(const std::string& name) {
    std::vector<std::string> found;
    const auto snapshots = server_->snapshots().list(kPrefix + name);
    EXPECT_TRUE(snapshots.ok());
    if (snapshots.ok()) {
      for (const auto& snapshot : *snapshots) found.push_back(snapshot.record.name);
    }
    return found;
  }
  void copy(const CopyFrom& from, const std::string& to, const InstancePut& put = {}) {
    InstanceCreate request;
    request.name = kPrefix + to;
    request.put = put;
    request.copy = from;
    finish(server_->instances().create(request, std::nullopt));
  }
  bool has_volume(const std::string& path) {
    return std::filesystem::exists(options().state_dir + "/storage-pools/default/" + path);
  }
  void with_database(const std::function<Result<void>(Database&)>& change) {
    auto database = Database::open(options().state_dir + "/database/cella.db", {});
    ASSERT_TRUE(database.ok()) << database.error().message();
    const auto changed = change(**database);
    ASSERT_TRUE(changed.ok()) << changed.error().message();
  }
  void make_second_pool(const std::string& driver) {
    Config config;
    if (driver == "btrfs") config["size"] = "500MiB";
    const auto pool = server_->pools().create({.name = "second", .driver = driver, .config = config});
    ASSERT_TRUE(pool.ok()) << pool.error().message();
  }
  void remove(const std::string& name) { finish(server_->instances().remove(kPrefix + name, std::nullopt)); }
};

TEST_F(InstanceSnapshotsTest, BringBackFilesAndConfiguration) {
  in_private_host([&] {
    create("one");
    change("one", StateAction::kStart);
    output("one", "echo before >/root/kept; busybox rm /etc/passwd");
    snapshot("one", "s0");
    EXPECT_EQ(server_->instances().find("cmt-one")->status, StatusCode::kRunning);
    EXPECT_EQ(output("one", "echo goes on"), "goes on\n");
    output("one", "echo after >/root/kept; touch /root/new");
    InstancePatch patch;
    patch.config = {{"user.mark", "later"}};
    ASSERT_TRUE(server_->instances().patch("cmt-one", patch, std::nullopt).ok());
    restore("one", "s0");
    EXPECT_EQ(server_->instances().find("cmt-one")->status, StatusCode::kRunning);
    EXPECT_FALSE(server_->instances().find("cmt-one")->config.contains("user.mark"));
    EXPECT_EQ(output("one", "cat /root/kept; ls /root"), "before\nkept\n");
    EXPECT_EQ(output("one", "[ -e /etc/passwd ] || echo gone"), "gone\n");
    // A second time, from the stopped state, with the snapshot unharmed.
    output("one", "echo other >/root/kept");
    change("one", StateAction::kStop, true);
    restore("one", "s0");
    EXPECT_EQ(server_->instances().find("cmt-one")->status, StatusCode::kStopped);
    change("one", StateAction::kStart);
    EXPECT_EQ(output("one", "cat /root/kept"), "before\n");
    change("one", StateAction::kStop, true);
    remove("one");
    EXPECT_FALSE(has_volume("snapshots/cmt-one"));
  });
}

TEST_F(InstanceSnapshotsTest, AreNamedRenamedAndDeleted) {
  in_private_host([&] {
    create("one");
    finish(server_->snapshots().create("cmt-one", {}, std::nullopt));
    finish(server_->snapshots().create("cmt-one", {}, std::nullopt));
    EXPECT_EQ(names("one"), (std::vector<std::string>{"snap0", "snap1"}));
    EXPECT_FALSE(server_->snapshots().create("cmt-one", {.name = "snap0"}, std::nullopt).ok());
    EXPECT_FALSE(server_->snapshots().create("cmt-one", {.name = "a/b"}, std::nullopt).ok());
    EXPECT_FALSE(server_->snapshots().create("cmt-one", {.name = "x", .stateful = true}, std::nullopt).ok());
    finish(server_->snapshots().rename("cmt-one", "snap0", "first", std::nullopt));
    finish(server_->instances().rename("cmt-one", "cmt-two", std::nullopt));
    EXPECT_EQ(names("two"), (std::vector<std::string>{"first", "snap1"}));
    EXPECT_TRUE(has_volume("snapshots/cmt-two/first"));
    restore("two", "first");
    finish(server_->snapshots().remove("cmt-two", "first", std::nullopt));
    EXPECT_FALSE(server_->snapshots().remove("cmt-two", "first", std::nullopt).ok());
    EXPECT_EQ(failure(server_->restore().restore("cmt-two", "first", std::nullopt)),
              "Instance snapshot not found: cmt-two/first");
    server_->snapshots().remove_expired(std::chrono::system_clock::now());
    EXPECT_EQ(names("two"), std::vector<std::string>{"snap1"});
    finish(server_->snapshots().set_expiry("cmt-two", "snap1", std::chrono::system_clock::now(), std::nullopt));
    server_->snapshots().remove_expired(std::chrono::system_clock::now() + std::chrono::seconds(1));
    EXPECT_TRUE(names("two").empty());
    remove("two");
  });
}

TEST_F(InstanceSnapshotsTest, HalfDoneAreUndoneOrFinishedByTheNextDaemon) {
  in_private_host([&] {
    create("one");
    change("one", StateAction::kStart);
    output("one", "echo before >/root/kept");
    snapshot("one", "s0");
    output("one", "echo after >/root/kept");
    close_server();
    // Killed while it held the container still for a snapshot, whose volume was there already.
    std::filesystem::create_directories(options().state_dir + "/storage-pools/default/snapshots/cmt-one/torn");
    with_database([&](Database& database) -> Result<void> {
      const auto instance = TRY(load_instances(database)).front();
      SnapshotRecord torn;
      torn.instance_id = instance.id;
      torn.name = "torn";
      TRY(insert_snapshot(database, torn));
      return write_pause(database, instance.id);
    });
    const auto hierarchy = cgroups::Hierarchy::find();
    const auto cgroup = hierarchy->open_cgroup("lxc.payload.cmt-one");
    ASSERT_TRUE(cgroups::freeze(*cgroup, std::chrono::seconds(10)).ok());
    open_server();
    EXPECT_EQ(names("one"), std::vector<std::string>{"s0"});
    EXPECT_FALSE(has_volume("snapshots/cmt-one/torn"));
    EXPECT_EQ(server_->instances().find("cmt-one")->status, StatusCode::kRunning);
    EXPECT_EQ(output("one", "cat /root/kept"), "after\n");
    change("one", StateAction::kStop, true);
    close_server();
    // Killed between the copy and the swap of a restore: finished.
    const auto pool = options().state_dir + "/storage-pools/default/";
    std::filesystem::copy(pool + "snapshots/cmt-one/s0", pool + "volumes/cmt-one.incoming",
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
    with_database([&](Database& database) -> Result<void> {
      return set_phase(database, TRY(load_instances(database)).front().id, InstancePhase::kSwapping, "s0");
    });
    open_server();
    EXPECT_FALSE(has_volume("volumes/cmt-one.incoming"));
    change("one", StateAction::kStart);
    EXPECT_EQ(output("one", "cat /root/kept"), "before\n");
    change("one", StateAction::kStop, true);
    remove("one");
  });
}

TEST_F(InstanceSnapshotsTest, AreCopiedWithTheirInstance) {
  in_private_host([&] {
    create("one");
    change("one", StateAction::kStart);
    output("one", "echo before >/root/kept");
    snapshot("one", "s0");
    output("one", "echo after >/root/kept");
    copy({.instance = "cmt-one"}, "two");
    copy({.instance = "cmt-one", .snapshot = "s0"}, "three");
    copy({.instance = "cmt-one", .instance_only = true}, "four", {.config = {{"user.x", "1"}}});
    EXPECT_EQ(names("two"), std::vector<std::string>{"s0"});
    EXPECT_TRUE(names("three").empty());
    EXPECT_TRUE(names("four").empty());
    const auto one = *server_->instances().find("cmt-one");
    const auto four = *server_->instances().find("cmt-four");
    EXPECT_EQ(four.config.at("user.x"), "1");
    EXPECT_EQ(four.config.at("image.os"), "BusyBox");
    EXPECT_EQ(four.config.at("volatile.base_image"), fingerprint_);
    EXPECT_NE(four.config.at("volatile.eth0.hwaddr"), one.config.at("volatile.eth0.hwaddr"));
    EXPECT_NE(four.config.at("volatile.idmap.base"), one.config.at("volatile.idmap.base"));
    for (const auto& [name, text] : {std::pair{"two", "after\n"}, {"three", "before\n"}, {"four", "after\n"}}) {
      change(name, StateAction::kStart);
      EXPECT_EQ(output(name, "cat /root/kept"), text) << name;
    }
    restore("two", "s0");
    EXPECT_EQ(output("two", "cat /root/kept"), "before\n");
    EXPECT_EQ(output("one", "cat /root/kept"), "after\n");
    for (const char* name : {"one", "two", "three", "four"}) {
      change(name, StateAction::kStop, true);
      remove(name);
    }
  });
}

class SnapshotsInPool : public InstanceSnapshotsTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Drivers, SnapshotsInPool, testing::Values("dir", "btrfs"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(SnapshotsInPool, FollowTheirInstanceThereAndBack) {
  in_private_host([&] {
    make_second_pool(GetParam());
    create("one");
    change("one", StateAction::kStart);
    output("one", "echo before >/root/kept; busybox rm /etc/passwd");
    snapshot("one", "s0");
    output("one", "echo after >/root/kept");
    InstancePut put;
    put.devices = {{"root", {{"type", "disk"}, {"path", "/"}, {"pool", "second"}}}};
    copy({.instance = "cmt-one"}, "two", put);
    EXPECT_FALSE(server_->instances().move("cmt-one", "", "second", std::nullopt).ok()) << "it runs";
    change("one", StateAction::kStop, true);
    finish(server_->instances().move("cmt-one", "cmt-three", "second", std::nullopt));
    for (const char* name : {"two", "three"}) {
      EXPECT_EQ(server_->instances().find(std::string(kPrefix) + name)->expanded_devices.at("root").at("pool"),
                "second");
      change(name, StateAction::kStart);
      EXPECT_EQ(output(name, "cat /root/kept; [ -e /etc/passwd ] || echo gone"), "after\ngone\n") << name;
      snapshot(name, "s1");
      restore(name, "s0");
      EXPECT_EQ(output(name, "cat /root/kept"), "before\n") << name;
      restore(name, "s1");
      EXPECT_EQ(output(name, "cat /root/kept"), "after\n") << name;
      change(name, StateAction::kStop, true);
    }
    EXPECT_FALSE(has_volume("volumes/cmt-one"));
    EXPECT_FALSE(has_volume("snapshots/cmt-one"));
    finish(server_->instances().move("cmt-three", "", "default", std::nullopt));
    restore("three", "s0");
    remove("two");
    remove("three");
    EXPECT_TRUE(server_->pools().remove("second").ok());
  });
}

TEST_F(InstanceSnapshotsTest, BecomeImages) {
  in_private_host([&] {
    create("one");
    change("one", StateAction::kStart);
    output("one", "echo published >/root/kept");
    snapshot("one", "s0");
    PublishRequest request;
    request.source = {.instance = "cmt-one"};
    EXPECT_EQ(failure(server_->publish().publish(request)), "Cannot export a running instance as an image");
    request.source.snapshot = "s0";
    request.compression = "zstd -1";
    request.image.properties = {{"description", "one"}};
    finish(server_->publish().publish(request));
    std::string made;
    for (const auto& image : server_->images().list()) {
      if (image.fingerprint != fingerprint_) made = image.fingerprint;
    }
    ASSERT_FALSE(made.empty());
    EXPECT_EQ(server_->images().find(made)->properties.at("description"), "one");
    InstanceCreate again;
    again.name = "cmt-two";
    again.fingerprint = made;
    finish(server_->instances().create(again, std::nullopt));
    change("two", StateAction::kStart);
    EXPECT_EQ(output("two", "cat /root/kept; id -u"), "published\n0\n");
    for (const char* name : {"one", "two"}) {
      change(name, StateAction::kStop, true);
      remove(name);
    }
    finish(server_->images().remove(made));
  });
}

TEST_F(InstanceSnapshotsTest, GoOutAndComeBackAsABackup) {
  in_private_host([&] {
    create("one");
    change("one", StateAction::kStart);
    output("one", "echo before >/root/kept");
    snapshot("one", "s0");
    output("one", "echo after >/root/kept; busybox ln /root/kept /root/hard; busybox chown 1000:7 /root/kept");
    finish(server_->backups().create("cmt-one", {.compression = "none"}, std::nullopt));
    const auto backups = server_->backups().list("cmt-one");
    ASSERT_EQ(backups->size(), 1u);
    EXPECT_EQ(backups->front().name, "backup0");
    const auto file = server_->backups().open("cmt-one", "backup0", std::nullopt);
    ASSERT_TRUE(file.ok());
    const std::string upload = server_->backups().upload_directory() + "/test";
    std::filesystem::copy_file("/proc/self/fd/" + std::to_string(file->get()), upload);
    finish(server_->backups().import({.path = upload, .name = "cmt-two"}, std::nullopt));
    EXPECT_FALSE(std::filesystem::exists(upload));
    EXPECT_EQ(names("two"), std::vector<std::string>{"s0"});
    change("two", StateAction::kStart);
    EXPECT_EQ(output("two", "cat /root/kept; busybox stat -c '%u:%g %h' /root/hard"), "after\n1000:7 2\n");
    restore("two", "s0");
    EXPECT_EQ(output("two", "cat /root/kept"), "before\n");
    for (const char* name : {"one", "two"}) {
      change(name, StateAction::kStop, true);
      remove(name);
    }
    server_->backups().sweep(std::chrono::system_clock::now());
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(options().state_dir + "/backups"), {}), 1);
  });
}

}  // namespace
}  // namespace cella::manager::test
