#include "manager/migration_messages.h"

#include <gtest/gtest.h>

namespace cella::manager {
namespace {

SnapshotRecord snapshot_of(const std::string& name) {
  SnapshotRecord snapshot;
  snapshot.name = name;
  snapshot.created_at = Timestamp(std::chrono::seconds(1700000000));
  snapshot.expires_at = Timestamp(std::chrono::seconds(1800000000));
  snapshot.description = "before";
  snapshot.architecture = "x86_64";
  snapshot.ephemeral = true;
  snapshot.config = {{"user.x", "y"}, {"limits.cpu", "2"}};
  snapshot.devices = {{"root", {{"type", "disk"}, {"path", "/"}}}};
  snapshot.profiles = {"default", "web"};
  return snapshot;
}

TEST(MigrationMessages, HeaderComesBackAsItWas) {
  MigrationHeader header;
  header.refresh = true;
  header.streams = {"cella-tar-1"};
  header.snapshots = {snapshot_of("s0"), snapshot_of("s1")};
  const auto read = decode_header(encode_header(header));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->refresh);
  EXPECT_EQ(read->streams, header.streams);
  ASSERT_EQ(read->snapshots.size(), 2u);
  const SnapshotRecord& last = read->snapshots[1];
  EXPECT_EQ(last.name, "s1");
  EXPECT_EQ(last.config, header.snapshots[1].config);
  EXPECT_EQ(last.devices, header.snapshots[1].devices);
  EXPECT_EQ(last.profiles, header.snapshots[1].profiles);
  EXPECT_EQ(last.created_at, header.snapshots[1].created_at);
  EXPECT_EQ(last.expires_at, header.snapshots[1].expires_at);
  EXPECT_EQ(last.architecture, "x86_64");
  EXPECT_EQ(last.description, "before");
  EXPECT_TRUE(last.ephemeral);
}

// A header as LXD writes one: fs RSYNC, criu NONE, one id map entry, one snapshot, rsync features.
TEST(MigrationMessages, ReadsLxdsHeader) {
  using namespace std::string_literals;
  const std::string idmap = "\x08\x01\x10\x00\x18\xa0\x8d\x06\x20\x00\x28\x80\x80\x04"s;
  const std::string snapshot = "\x0a\x02s0\x20\x00\x30\x02\x38\x00\x40\x80\xe2\xcf\xaa\x06"s;
  const std::string message = "\x08\x00\x10\x02\x1a"s + static_cast<char>(idmap.size()) + idmap + "\x22\x02s0\x2a"s +
                              static_cast<char>(snapshot.size()) + snapshot + "\x42\x04\x08\x01\x10\x01"s;
  const auto read = decode_header(message);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->streams.empty());
  ASSERT_EQ(read->snapshots.size(), 1u);
  EXPECT_EQ(read->snapshots[0].name, "s0");
  EXPECT_EQ(read->snapshots[0].architecture, "x86_64");
  EXPECT_EQ(read->snapshots[0].created_at, Timestamp(std::chrono::seconds(1700000000)));
}

TEST(MigrationMessages, OutcomeComesBack) {
  const auto failed = decode_outcome(encode_outcome({false, "no space"}));
  ASSERT_TRUE(failed.ok());
  EXPECT_FALSE(failed->success);
  EXPECT_EQ(failed->message, "no space");
  EXPECT_EQ(encode_outcome({true, ""}), "\x08\x01");
}

TEST(MigrationMessages, DamagedOnesAreRefused) {
  MigrationHeader header;
  header.snapshots = {snapshot_of("s0")};
  const std::string whole = encode_header(header);
  for (const std::string& bad : {std::string("\x0a\xff\xff\xff\xff\x0f"), std::string("\xff"), std::string("\x0b\x01"),
                                 whole.substr(0, whole.size() - 1)}) {
    const auto read = decode_header(bad);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().kind(), ErrorKind::kInvalid);
  }
}

}  // namespace
}  // namespace cella::manager
