// Custom volumes as values: their configuration, their backup's index, and who may work on which.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "manager/custom_volume_config.h"
#include "manager/custom_volume_index.h"
#include "manager/custom_volume_table.h"

namespace cella::manager {
namespace {

TEST(CustomVolumeName, IsChecked) {
  for (const char* good : {"v1", "a.b", "A-b_c", "0"}) EXPECT_TRUE(check_custom_name(good).ok()) << good;
  for (const char* bad : {"", ".", "-a", "a/b", "a b", "a\n", "x.incoming"})
    EXPECT_FALSE(check_custom_name(bad).ok()) << bad;
  EXPECT_FALSE(check_custom_name(std::string(64, 'a')).ok());
}

TEST(CustomVolumeConfig, RefusalsNameTheKey) {
  EXPECT_TRUE(check_volume_config({{"size", "1GiB"},
                                   {"security.shifted", "true"},
                                   {"snapshots.expiry", "1d 2H"},
                                   {"snapshots.pattern", "s%d"},
                                   {"snapshots.schedule", "@daily"},
                                   {"user.a", "b"}},
                                  VolumeContent::kFilesystem)
                  .ok());
  const struct {
    const char* key;
    const char* value;
    VolumeContent content;
  } bad[] = {
      {"size", "lots", VolumeContent::kFilesystem},
      {"size", "0", VolumeContent::kFilesystem},
      {"security.unmapped", "maybe", VolumeContent::kFilesystem},
      {"security.unmapped", "true", VolumeContent::kBlock},
      {"snapshots.expiry", "soon", VolumeContent::kFilesystem},
      {"snapshots.schedule", "@startup", VolumeContent::kFilesystem},
      {"block.filesystem", "ext4", VolumeContent::kFilesystem},
      {"nonsense", "1", VolumeContent::kFilesystem},
      {"user.", "1", VolumeContent::kFilesystem},
      {"user.x", "a\nb", VolumeContent::kFilesystem},
  };
  for (const auto& entry : bad) {
    const Result<void> checked = check_volume_config({{entry.key, entry.value}}, entry.content);
    ASSERT_FALSE(checked.ok()) << entry.key << " " << entry.value;
    EXPECT_NE(checked.error().message().find(entry.key), std::string::npos) << checked.error().message();
  }
}

TEST(CustomVolumeConfig, ShiftedAndUnmappedExcludeEachOther) {
  EXPECT_FALSE(check_volume_config({{"security.shifted", "true"}, {"security.unmapped", "true"}},
                                   VolumeContent::kFilesystem)
                   .ok());
}

TEST(CustomVolumeConfig, PoolsGiveDefaults) {
  const Config pool{{"source", "/x"}, {"volume.size", "5GiB"}, {"volume.security.unmapped", "true"}};
  EXPECT_EQ(with_pool_defaults({{"size", "1GiB"}}, pool, VolumeContent::kFilesystem),
            (Config{{"size", "1GiB"}, {"security.unmapped", "true"}}));
  EXPECT_EQ(with_pool_defaults({}, pool, VolumeContent::kBlock), (Config{{"size", "5GiB"}}));
  EXPECT_EQ(with_pool_defaults({}, {}, VolumeContent::kBlock), (Config{{"size", "10GiB"}}));
}

TEST(CustomVolumeConfig, WhatOtherServersNoteIsDropped) {
  EXPECT_EQ(cleaned_volume_config({{"volatile.idmap.last", "[]"}, {"size", ""}, {"user.a", "b"}}),
            (Config{{"user.a", "b"}}));
}

VolumeIndex sample_index() {
  VolumeIndex index;
  index.backend = "dir";
  index.volume.key = {"p", "default", "v"};
  index.volume.description = "a \"quoted\" one";
  index.volume.config = {{"user.number", "1"}, {"user.truth", "true"}};
  index.volume.created_at = Timestamp(std::chrono::seconds(1700000000));
  VolumeRecord snapshot = index.volume;
  snapshot.snapshot = "s0";
  snapshot.expires_at = Timestamp(std::chrono::seconds(1800000000));
  index.snapshots = {snapshot};
  return index;
}

TEST(CustomVolumeIndex, IsReadAsItWasWritten) {
  const VolumeIndex index = sample_index();
  const auto read = parse_volume_index(format_volume_index(index));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->volume.key.name, "v");
  EXPECT_EQ(read->volume.description, index.volume.description);
  EXPECT_EQ(read->volume.config, index.volume.config);
  EXPECT_EQ(read->volume.created_at, index.volume.created_at);
  ASSERT_EQ(read->snapshots.size(), 1u);
  EXPECT_EQ(read->snapshots[0].snapshot, "s0");
  EXPECT_EQ(read->snapshots[0].expires_at, index.snapshots[0].expires_at);
}

TEST(CustomVolumeIndex, RefusesWhatIsNone) {
  for (const char* text : {"", "[]", "type: container", "type: custom", "type: custom\noptimized: true\nconfig: {volume: {}}",
                           "type: custom\nconfig: {volume: [1]}", "type: custom\nsnapshots: [../x]\nconfig: {volume: {name: v}}",
                           "type: custom\nconfig: {volume: {name: v, content_type: iso}}", "{"}) {
    EXPECT_FALSE(parse_volume_index(text).ok()) << text;
  }
}

TEST(CustomVolumeIndex, SnapshotsMustDoForVolumes) {
  const std::string volume = "type: custom\nsnapshots: [s0]\nconfig:\n  volume: {name: v, content_type: block";
  const std::string size = ", config: {size: 5MiB}}\n";
  const std::string snapshot = "  volume_snapshots: [{name: s0, content_type: block, config: ";
  const auto without_size = parse_volume_index(volume + size + snapshot + "{user.a: b}}]");
  ASSERT_TRUE(without_size.ok()) << without_size.error().message();
  EXPECT_EQ(without_size->snapshots.at(0).config, (Config{{"size", "5MiB"}, {"user.a", "b"}}));
  EXPECT_FALSE(parse_volume_index(volume + "}\n" + snapshot + "{user.a: b}}]").ok());
  EXPECT_FALSE(parse_volume_index(volume + size + snapshot + "{size: 5MiB, nonsense: x}}]").ok());
}

TEST(VolumeTable, WhatIsBeingMadeCountsAndIsNotThereYet) {
  VolumeTable table;
  VolumeRecord record;
  record.key = {"p", "tenant", "a"};
  auto expected = table.expect(record);
  EXPECT_FALSE(table.find(record.key).ok());
  EXPECT_TRUE(table.volumes("", "tenant").empty());
  EXPECT_EQ(table.with_expected("tenant").size(), 1u);
  EXPECT_TRUE(table.with_expected("default").empty());
  table.put(record);
  EXPECT_EQ(table.with_expected("tenant").size(), 1u);
  expected.reset();
  EXPECT_EQ(table.with_expected("tenant").size(), 1u);
  table.erase(record.key, "");
  EXPECT_TRUE(table.with_expected("tenant").empty());
}

TEST(VolumeTable, ClaimsWaitForEachOther) {
  VolumeTable table;
  const VolumeKey a{"p", "default", "a"};
  const VolumeKey b{"p", "default", "b"};
  std::atomic<int> inside{0};
  std::atomic<bool> met{false};
  const auto work = [&](std::vector<VolumeKey> keys) {
    for (int i = 0; i < 200; ++i) {
      const auto claim = table.claim(keys);
      if (++inside != 1) met = true;
      --inside;
    }
  };
  std::thread first(work, std::vector<VolumeKey>{a, b});
  std::thread second(work, std::vector<VolumeKey>{b, a});
  first.join();
  second.join();
  EXPECT_FALSE(met);
}

TEST(VolumeTable, RenamingTakesTheSnapshotsAlong) {
  VolumeTable table;
  VolumeRecord record;
  record.key = {"p", "default", "a"};
  table.put(record);
  record.snapshot = "s0";
  table.put(record);
  table.rename({"p", "default", "a"}, "b");
  EXPECT_FALSE(table.find({"p", "default", "a"}).ok());
  EXPECT_TRUE(table.find({"p", "default", "b"}).ok());
  EXPECT_TRUE(table.find_snapshot({"p", "default", "b"}, "s0").ok());
  EXPECT_EQ(table.volumes("", "").size(), 1u);
}

}  // namespace
}  // namespace cella::manager
