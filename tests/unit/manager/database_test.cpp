#include "manager/database.h"

#include <array>
#include <filesystem>
#include <gtest/gtest.h>

namespace cella::manager {
namespace {

constexpr Migration kFirst[] = {{1, "CREATE TABLE fruit (name TEXT PRIMARY KEY, weight INTEGER NOT NULL)"}};
constexpr Migration kSecond[] = {{1, "CREATE TABLE fruit (name TEXT PRIMARY KEY, weight INTEGER NOT NULL)"},
                                 {2, "ALTER TABLE fruit ADD COLUMN colour TEXT NOT NULL DEFAULT 'green'"}};
constexpr Migration kBroken[] = {{1, "CREATE TABLE half (x); CREATE TABLE half (x)"}};

class DatabaseFile : public testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() / ("cella-db-" + std::to_string(::getpid()) + ".db")).string();
    remove_files();
  }
  void TearDown() override { remove_files(); }
  void remove_files() const {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  }
  Result<std::unique_ptr<Database>> open(std::span<const Migration> migrations) const {
    return Database::open(path_, std::array{Schema{"fruit", migrations}});
  }
  std::string path_;
};

Result<void> insert(Database& database, const std::string& name, int weight) {
  auto statement = TRY(database.prepare("INSERT INTO fruit (name, weight) VALUES (?, ?)"));
  return statement.bind(name, weight).run();
}

std::int64_t count(Database& database) {
  auto statement = database.prepare("SELECT count(*) FROM fruit");
  return statement.ok() && statement->step().ok() ? statement->number(0) : -1;
}

TEST_F(DatabaseFile, AppliesOnlyTheStepsThatAreMissing) {
  {
    auto database = open(kFirst);
    ASSERT_TRUE(database.ok()) << database.error().message();
    ASSERT_TRUE(insert(**database, "apple", 150).ok());
  }
  auto database = open(kSecond);
  ASSERT_TRUE(database.ok()) << database.error().message();
  auto query = (*database)->prepare("SELECT weight, colour FROM fruit WHERE name = ?");
  ASSERT_TRUE(query.ok());
  query->bind("apple");
  ASSERT_TRUE(*query->step());
  EXPECT_EQ(query->number(0), 150);
  EXPECT_EQ(query->text(1), "green");
}

TEST_F(DatabaseFile, RefusesAFileOfANewerVersion) {
  ASSERT_TRUE(open(kSecond).ok());
  const auto database = open(kFirst);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.error().kind(), ErrorKind::kUnsupported);
  EXPECT_NE(database.error().message().find("fruit"), std::string::npos);
}

TEST_F(DatabaseFile, LeavesNothingOfAMigrationThatFails) {
  const auto failed = Database::open(path_, std::array{Schema{"half", kBroken}});
  ASSERT_FALSE(failed.ok());
  auto database = open(kFirst);
  ASSERT_TRUE(database.ok());
  auto query = (*database)->prepare("SELECT count(*) FROM sqlite_master WHERE name = 'half'");
  ASSERT_TRUE(*query->step());
  EXPECT_EQ(query->number(0), 0);
}

TEST_F(DatabaseFile, IsInWriteAheadModeWithFullSync) {
  auto database = open(kFirst);
  auto mode = (*database)->prepare("PRAGMA journal_mode");
  ASSERT_TRUE(*mode->step());
  EXPECT_EQ(mode->text(0), "wal");
  auto sync = (*database)->prepare("PRAGMA synchronous");
  ASSERT_TRUE(*sync->step());
  EXPECT_EQ(sync->number(0), 2);
}

std::int64_t sync_mode(Database& database) {
  auto query = database.prepare("PRAGMA synchronous");
  return query.ok() && *query->step() ? query->number(0) : -1;
}

TEST_F(DatabaseFile, SyncsEveryCommitButThoseThatGoWithTheNext) {
  auto database = open(kFirst);
  {
    auto relaxed = (*database)->begin(Durability::kWithNext);
    ASSERT_TRUE(relaxed.ok());
    EXPECT_EQ(sync_mode(**database), 1);
    ASSERT_TRUE(insert(**database, "apple", 1).ok());
    ASSERT_TRUE(relaxed->commit().ok());
  }
  EXPECT_EQ(sync_mode(**database), 2);
  {
    auto undone = (*database)->begin(Durability::kWithNext);
    ASSERT_TRUE(insert(**database, "pear", 1).ok());
  }
  EXPECT_EQ(sync_mode(**database), 2);
  EXPECT_EQ(count(**database), 1);
}

// What a power cut leaves: the database file and a log whose end is room that was never used.
TEST_F(DatabaseFile, IsReadAgainFromALogWithRoomAtItsEnd) {
  auto database = open(kFirst);
  ASSERT_TRUE(insert(**database, "apple", 150).ok());
  ASSERT_GE(std::filesystem::file_size(path_ + "-wal"), 512u * 4096u);
  const std::string cut = path_ + ".cut";
  std::filesystem::copy_file(path_, cut);
  std::filesystem::copy_file(path_ + "-wal", cut + "-wal");
  auto again = Database::open(cut, std::array{Schema{"fruit", kFirst}});
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(count(**again), 1);
  ASSERT_TRUE(insert(**again, "pear", 100).ok());
  EXPECT_EQ(count(**again), 2);
}

TEST(Database, UndoesATransactionThatIsNotCommitted) {
  auto database = *Database::open(":memory:", std::array{Schema{"fruit", kFirst}});
  {
    auto transaction = database->begin();
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(insert(*database, "apple", 1).ok());
  }
  EXPECT_EQ(count(*database), 0);
}

TEST(Database, UndoesOnlyTheInnerTransaction) {
  auto database = *Database::open(":memory:", std::array{Schema{"fruit", kFirst}});
  auto outer = database->begin();
  ASSERT_TRUE(insert(*database, "apple", 1).ok());
  {
    auto inner = database->begin();
    ASSERT_TRUE(insert(*database, "pear", 2).ok());
  }
  ASSERT_TRUE(outer->commit().ok());
  EXPECT_EQ(count(*database), 1);
}

TEST(Database, CallsATakenNameExists) {
  auto database = *Database::open(":memory:", std::array{Schema{"fruit", kFirst}});
  ASSERT_TRUE(insert(*database, "apple", 1).ok());
  const auto again = insert(*database, "apple", 2);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind(), ErrorKind::kExists);
  // The statement works again after its failure.
  EXPECT_TRUE(insert(*database, "pear", 2).ok());
}

TEST(Database, KeepsNullsAndBytes) {
  auto database = *Database::open(":memory:", {});
  ASSERT_TRUE(database->execute("CREATE TABLE t (a, b)").ok());
  const std::string bytes("a\0b", 3);
  {
    auto insert_row = database->prepare("INSERT INTO t VALUES (?, ?)");
    ASSERT_TRUE(insert_row->bind(std::optional<std::string>(), bytes).run().ok());
  }
  auto query = database->prepare("SELECT a, b FROM t");
  ASSERT_TRUE(*query->step());
  EXPECT_TRUE(query->is_null(0));
  EXPECT_EQ(query->text(1), bytes);
}

}  // namespace
}  // namespace cella::manager
