#include "manager/warnings.h"

#include <gtest/gtest.h>

#include <array>

#include "manager/database.h"
#include "manager/host_checks.h"

namespace cella::manager {
namespace {

class WarningStore : public testing::Test {
 protected:
  void SetUp() override {
    database_ = *Database::open(":memory:", std::array{warning_schema()});
    load();
  }
  void load() { warnings_ = *Warnings::load(*database_, events_); }
  Events events_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Warnings> warnings_;
};

TEST_F(WarningStore, CountsOneWarningPerEntityAndKeepsIt) {
  warnings_->raise(WarningKind::kNetworkUnavailable, "default", "/1.0/networks/a", "first");
  warnings_->raise(WarningKind::kNetworkUnavailable, "default", "/1.0/networks/a", "second");
  warnings_->raise(WarningKind::kNetworkUnavailable, "default", "/1.0/networks/b", "other");
  load();
  const auto all = warnings_->list();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].count, 2);
  EXPECT_EQ(all[0].last_message, "second");
  EXPECT_EQ(all[0].severity, WarningSeverity::kHigh);
  EXPECT_GE(all[0].last_seen, all[0].first_seen);
}

TEST_F(WarningStore, IsNewAgainAfterItWasResolved) {
  warnings_->raise(WarningKind::kAutostartFailure, "default", "/1.0/instances/a", "x");
  warnings_->resolve(WarningKind::kAutostartFailure, "default", "/1.0/instances/a");
  EXPECT_EQ(warnings_->list()[0].status, WarningStatus::kResolved);
  warnings_->raise(WarningKind::kAutostartFailure, "default", "/1.0/instances/a", "x");
  EXPECT_EQ(warnings_->list()[0].status, WarningStatus::kNew);
  const auto uuid = warnings_->list()[0].uuid;
  ASSERT_TRUE(warnings_->set_status(uuid, WarningStatus::kAcknowledged, {}).ok());
  // Acknowledged stays so when it is seen again.
  warnings_->raise(WarningKind::kAutostartFailure, "default", "/1.0/instances/a", "x");
  EXPECT_EQ(warnings_->list()[0].status, WarningStatus::kAcknowledged);
  EXPECT_EQ(warnings_->set_status(uuid, WarningStatus::kResolved, {}).error().kind(), ErrorKind::kDenied);
  EXPECT_EQ(warnings_->set_status("none", WarningStatus::kNew, {}).error().kind(), ErrorKind::kNotFound);
}

TEST_F(WarningStore, ResolvesWhatAStartDidNotFindAgain) {
  warnings_->raise(WarningKind::kNoPidsController, "", "", "x");
  warnings_->raise(WarningKind::kAutostartFailure, "default", "/1.0/instances/a", "x");
  warnings_->resolve_unseen_since(std::chrono::system_clock::now() + std::chrono::seconds(1));
  const auto all = warnings_->list();
  EXPECT_EQ(all[0].status, WarningStatus::kResolved);
  EXPECT_EQ(all[1].status, WarningStatus::kNew) << "only an attempt to start it tells";
}

TEST_F(WarningStore, DropsOldResolvedOnes) {
  EXPECT_FALSE(warnings_->next_removal());
  warnings_->raise(WarningKind::kNoPidsController, "", "", "x");
  EXPECT_FALSE(warnings_->next_removal());
  warnings_->resolve(WarningKind::kNoPidsController, "", "");
  const auto due = *warnings_->next_removal();
  warnings_->remove_old(due - std::chrono::seconds(1));
  EXPECT_EQ(warnings_->list().size(), 1u);
  warnings_->remove_old(due);
  load();
  EXPECT_TRUE(warnings_->list().empty());
}

TEST(HostChecks, SeeWhetherTheRootIsShared) {
  EXPECT_TRUE(root_is_shared("25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n26 25 0:5 / /proc rw - proc p rw\n"));
  EXPECT_FALSE(root_is_shared("25 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n26 25 0:5 / /proc rw shared:3 - proc p rw\n"));
  EXPECT_FALSE(root_is_shared("1 1 0:1 / / rw shared:9 - rootfs r rw\n25 1 8:1 / / rw master:1 - ext4 /dev/sda1 rw\n"));
}

}  // namespace
}  // namespace cella::manager
