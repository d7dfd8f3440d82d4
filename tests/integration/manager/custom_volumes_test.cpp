// Custom volumes while others want something of them.
#include <filesystem>

#include "manager/volume_parts.h"
#include "tests/integration/manager/server_fixture.h"

namespace cella::manager::test {
namespace {

// Somebody starts with the volume while it is copied: after the checks before.
class StartsMeanwhile : public VolumeUsers {
 public:
  // idle: so many times nobody runs with it.
  StartsMeanwhile(VolumeKey key, int idle) : key_(std::move(key)), idle_(idle) {}
  std::vector<VolumeUser> users_of(const VolumeKey& key) const override {
    if (key != key_) return {};
    return {{"/1.0/instances/c", idle_-- <= 0}};
  }
  Result<void> volume_renamed(const VolumeKey&, const VolumeKey&) override {
    told = true;
    return kOk;
  }
  bool told = false;

 private:
  const VolumeKey key_;
  mutable int idle_;
};

class HoldingPolicy : public VolumePolicy {
 public:
  Result<std::shared_ptr<void>> admit(const VolumeKey&, const Config&) override {
    const auto given = std::make_shared<int>(0);
    held = given;
    return std::shared_ptr<void>(given);
  }
  Result<void> check_snapshot(const VolumeKey&) override { return kOk; }
  Result<void> check_backup(const VolumeKey&) override { return kOk; }
  std::weak_ptr<int> held;
};

class CustomVolumesTest : public ServerTest {
 protected:
  CustomVolumes& volumes() { return server_->volumes().volumes; }
  void create(const VolumeKey& key) {
    const auto created = volumes().create({.key = key, .description = {}, .config = {}}, std::nullopt);
    ASSERT_TRUE(created.ok()) << created.error().message();
  }
  // With the users that the server has of its own.
  void reopen_and_remove(const std::vector<VolumeKey>& keys) {
    close_server();
    open_server();
    for (const VolumeKey& key : keys) EXPECT_TRUE(volumes().remove(key, std::nullopt).ok());
  }
};

TEST_F(CustomVolumesTest, NobodyWaitsForPolicyWhileFilesAreCopied) {
  in_private_host([&] {
    HoldingPolicy policy;
    volumes().set_policy(&policy);
    const VolumeKey key{"default", "default", "v"};
    auto record = volumes().new_record({.key = key, .description = {}, .config = {}});
    ASSERT_TRUE(record.ok()) << record.error().message();
    bool held = true;
    std::size_t counted = 0;
    const auto made = volumes().make(
        *record,
        [&]() -> Result<void> {
          held = !policy.held.expired();
          counted = volumes().with_expected("default").size();
          return Error(ErrorKind::kIo, "no");
        },
        std::nullopt);
    EXPECT_FALSE(made.ok());
    EXPECT_FALSE(held);
    EXPECT_EQ(counted, 1u);
    EXPECT_TRUE(volumes().with_expected("default").empty());
    close_server();
  });
}

TEST_F(CustomVolumesTest, AVolumeThatCameIntoUseIsNotMovedAway) {
  in_private_host([&] {
    const VolumeKey from{"default", "default", "v"}, to{"default", "default", "w"};
    create(from);
    // Before the operation, and before the copy.
    StartsMeanwhile users(from, 2);
    volumes().set_users(&users);
    const auto error = failure(server_->volumes().copies.move(from, to, std::nullopt));
    EXPECT_NE(error.find("in use by running instances"), std::string::npos) << error;
    EXPECT_FALSE(users.told);
    EXPECT_TRUE(volumes().table().find(from).ok());
    EXPECT_FALSE(volumes().table().find(to).ok());
    reopen_and_remove({from});
  });
}

TEST_F(CustomVolumesTest, AVolumeThatCameIntoUseIsNotReplaced) {
  in_private_host([&] {
    const VolumeKey from{"default", "default", "v"}, to{"default", "default", "w"};
    create(from);
    create(to);
    StartsMeanwhile users(to, 1);
    volumes().set_users(&users);
    const auto error = failure(server_->volumes().copies.copy({.key = to, .description = {}, .config = {}},
                                                              {.from = from, .snapshot = {}, .refresh = true}, std::nullopt));
    EXPECT_NE(error.find("used by running instances"), std::string::npos) << error;
    reopen_and_remove({from, to});
  });
}

}  // namespace
}  // namespace cella::manager::test
