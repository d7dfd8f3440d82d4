#include "runtime/keeper_registry.h"

#include <gtest/gtest.h>

namespace cella::runtime {
namespace {

std::unique_ptr<ContainerRecord> record(const std::string& name, pid_t pid, std::uint64_t start_time,
                                        bool exited = false) {
  auto made = std::make_unique<ContainerRecord>();
  made->name = name;
  made->init = {pid, start_time};
  made->exited = exited;
  return made;
}

std::unique_ptr<SessionRecord> session(std::uint64_t id, const std::string& container, bool exited) {
  auto made = std::make_unique<SessionRecord>();
  made->id = {id};
  made->container = container;
  made->exited = exited;
  return made;
}

TEST(KeeperRegistry, RefusesASecondRunningContainerOfOneName) {
  Registry registry;
  ASSERT_TRUE(registry.add(record("c1", 10, 100)).ok());
  const auto second = registry.add(record("c1", 11, 101));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::kExists);
}

TEST(KeeperRegistry, KeepsEveryExitOfANameUntilItIsRemoved) {
  Registry registry;
  ASSERT_TRUE(registry.add(record("c1", 10, 100, true)).ok());
  ASSERT_TRUE(registry.add(record("c1", 11, 100, true)).ok());  // within one clock tick
  ASSERT_TRUE(registry.add(record("c1", 12, 200)).ok());
  EXPECT_EQ(registry.find_running("c1")->init.pid, 12);
  EXPECT_EQ(registry.find_latest("c1")->init.pid, 12);
  EXPECT_NE(registry.find("c1", {10, 100}), nullptr);
  registry.remove(*registry.find("c1", {10, 100}));
  EXPECT_EQ(registry.find("c1", {10, 100}), nullptr);
  EXPECT_NE(registry.find("c1", {11, 100}), nullptr);
  registry.find_running("c1")->exited = true;
  EXPECT_EQ(registry.find_running("c1"), nullptr);
  EXPECT_EQ(registry.find_latest("c1")->init.pid, 12);
}

TEST(KeeperRegistry, DoesNotMixNamesThatShareAPrefix) {
  Registry registry;
  ASSERT_TRUE(registry.add(record("c1", 10, 100)).ok());
  ASSERT_TRUE(registry.add(record("c10", 11, 100)).ok());
  EXPECT_EQ(registry.find_running("c1")->init.pid, 10);
  EXPECT_EQ(registry.find_running("c10")->init.pid, 11);
  EXPECT_EQ(registry.find_running("c"), nullptr);
}

TEST(KeeperRegistry, ListsPageByPageWithoutGapOrDouble) {
  Registry registry;
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(registry.add(record("c" + std::to_string(i / 2), 100 + i, 5, i % 2 == 0)).ok());
  std::vector<pid_t> seen;
  std::string name;
  ProcessIdentity init;
  for (auto page = registry.after(name, init, 3); !page.empty(); page = registry.after(name, init, 3)) {
    for (const ContainerRecord* one : page) seen.push_back(one->init.pid);
    name = page.back()->name;
    init = page.back()->init;
  }
  ASSERT_EQ(seen.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], 100 + i);
}

TEST(KeeperRegistry, CountsRunningSessionsOfAContainer) {
  Registry registry;
  ASSERT_TRUE(registry.add_session(session(1, "c1", false)).ok());
  ASSERT_TRUE(registry.add_session(session(2, "c1", true)).ok());
  ASSERT_TRUE(registry.add_session(session(3, "c2", false)).ok());
  EXPECT_FALSE(registry.add_session(session(3, "c1", false)).ok());
  EXPECT_EQ(registry.running_sessions("c1"), 1u);
  EXPECT_FALSE(registry.empty());
  for (const std::uint64_t id : {1, 2, 3}) registry.remove_session({id});
  EXPECT_TRUE(registry.empty());
}

TEST(KeeperRegistry, ChecksNames) {
  for (const char* good : {"c1", "project_c1", "a.b-c", "..."}) EXPECT_TRUE(check_container_name(good).ok()) << good;
  for (const std::string& bad : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                                 std::string("a\nb"), std::string(201, 'x'), std::string("a\0b", 3)})
    EXPECT_FALSE(check_container_name(bad).ok()) << bad;
}

}  // namespace
}  // namespace cella::runtime
