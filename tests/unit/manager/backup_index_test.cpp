#include "manager/backup_index.h"

#include <gtest/gtest.h>

namespace cella::manager {
namespace {

BackupIndex sample() {
  BackupIndex index;
  index.name = "c1";
  index.backend = "dir";
  index.pool = "default";
  index.instance.name = "c1";
  index.instance.architecture = "x86_64";
  index.instance.description = "line\n\"quoted\": yes";
  index.instance.config = {{"limits.cpu", "1"}, {"user.truth", "true"}, {"user.odd", "a: b # c"}};
  index.instance.devices = {{"root", {{"type", "disk"}, {"path", "/"}, {"pool", "default"}}}};
  index.instance.profiles = {"default", "web"};
  index.instance.created_at = Timestamp(std::chrono::seconds(1'700'000'000));
  SnapshotRecord snapshot;
  snapshot.name = "first";
  snapshot.config = {{"user.x", "0"}};
  snapshot.created_at = Timestamp(std::chrono::seconds(1'700'000'100));
  snapshot.expires_at = Timestamp(std::chrono::seconds(1'800'000'000));
  index.snapshots.push_back(snapshot);
  return index;
}

TEST(BackupIndex, ReadsBackWhatItWrote) {
  const auto wrote = sample();
  const auto text = format_backup_index(wrote, Pool{"default", "dir", "", {}, "Created", {}}, {Profile{"default"}});
  const auto read = parse_backup_index(text);
  ASSERT_TRUE(read.ok()) << read.error().message() << "\n" << text;
  EXPECT_EQ(read->name, "c1");
  EXPECT_EQ(read->pool, "default");
  EXPECT_EQ(read->instance.config, wrote.instance.config);
  EXPECT_EQ(read->instance.devices, wrote.instance.devices);
  EXPECT_EQ(read->instance.profiles, wrote.instance.profiles);
  EXPECT_EQ(read->instance.description, wrote.instance.description);
  EXPECT_EQ(read->instance.created_at, wrote.instance.created_at);
  ASSERT_EQ(read->snapshots.size(), 1u);
  EXPECT_EQ(read->snapshots[0].name, "first");
  EXPECT_EQ(read->snapshots[0].config, wrote.snapshots[0].config);
  EXPECT_EQ(read->snapshots[0].expires_at, wrote.snapshots[0].expires_at);
}

// As LXD 5.0.2 writes it, shortened.
constexpr const char* kFromLxd = R"(
name: k3
backend: dir
pool: p2
snapshots:
- s0
optimized: false
optimized_header: false
type: container
config:
  container:
    architecture: x86_64
    config:
      limits.cpu: "1"
    devices:
      root: {path: /, pool: p2, size: 200MB, type: disk}
    ephemeral: false
    profiles: [default]
    stateful: false
    description: ""
    created_at: 2026-11-23T05:23:39.558148861Z
    expanded_config: {}
    expanded_devices: {}
    name: k3
    status: Stopped
    status_code: 102
    last_used_at: 1970-01-01T00:00:00Z
    location: none
    type: container
    project: default
  snapshots:
  - architecture: x86_64
    config: {}
    created_at: 2026-11-23T05:23:40Z
    devices: {}
    expires_at: 0001-01-01T00:00:00Z
    name: s0
    profiles: [default]
)";

TEST(BackupIndex, ReadsWhatLxdWrites) {
  const auto read = parse_backup_index(kFromLxd);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->instance.devices.at("root").at("size"), "200MB");
  EXPECT_EQ(read->instance.config.at("limits.cpu"), "1");
  ASSERT_EQ(read->snapshots.size(), 1u);
  EXPECT_EQ(read->snapshots[0].expires_at, std::nullopt);
}

TEST(BackupIndex, KnowsTheIdsOfFilesOnDisk) {
  const auto of = [](const std::string& text) { return ids_on_disk({{"volatile.last_state.idmap", text}}); };
  EXPECT_FALSE(ids_on_disk({})->has_value());
  EXPECT_FALSE(of("[]")->has_value());
  const auto shifted = of(R"([{"Isuid":true,"Isgid":false,"Hostid":100000,"Nsid":0,"Maprange":10000001},)"
                          R"({"Isuid":false,"Isgid":true,"Hostid":200000,"Nsid":0,"Maprange":65536}])");
  ASSERT_TRUE(shifted.ok()) << shifted.error().message();
  EXPECT_EQ((*shifted)->users(), (std::vector<IdRange>{{0, 100000, 10000001}}));
  EXPECT_EQ((*shifted)->groups(), (std::vector<IdRange>{{0, 200000, 65536}}));
  for (const char* text : {"{", "[1]", R"([{"Isuid":true}])",
                           R"([{"Isuid":true,"Isgid":true,"Hostid":-1,"Nsid":0,"Maprange":1}])"}) {
    EXPECT_FALSE(of(text).ok()) << text;
  }
}

TEST(BackupIndex, WritesTheInstancesOwnFileWithoutTheArchivesPart) {
  const auto text = format_instance_backup(sample(), Pool{"default", "dir", "", {}, "Created", {}}, {});
  EXPECT_EQ(text.find("backend:"), std::string::npos);
  EXPECT_TRUE(text.starts_with("container:\n"));
}

TEST(BackupIndex, RefusesWhatItCannotTake) {
  const auto kind = [](const std::string& text) { return parse_backup_index(text).error().kind(); };
  EXPECT_EQ(kind("name: v\ntype: virtual-machine\n"), ErrorKind::kUnsupported);
  EXPECT_EQ(kind("name: v\ntype: container\noptimized: true\n"), ErrorKind::kUnsupported);
  EXPECT_EQ(kind("name: v\ntype: container\n"), ErrorKind::kUnsupported);
  EXPECT_EQ(kind("- a list"), ErrorKind::kInvalid);
  EXPECT_EQ(kind("{"), ErrorKind::kInvalid);
  EXPECT_EQ(kind("name: v\nsnapshots: [../../x]\nconfig: {container: {name: v}}\n"), ErrorKind::kInvalid);
  EXPECT_EQ(kind("name: v\nsnapshots: [s9]\nconfig: {container: {name: v}}\n"), ErrorKind::kInvalid);
  EXPECT_EQ(kind("config: {container: {name: [1]}}\n"), ErrorKind::kInvalid);
}

}  // namespace
}  // namespace cella::manager
