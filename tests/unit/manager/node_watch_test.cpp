// The watch for device nodes that containers wait for.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <unistd.h>

#include "manager/node_watch.h"

namespace cella::manager {
namespace {

class NodeWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/node-watch-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    for (const char* name : {"busy", "quiet"}) std::filesystem::create_directory(dir_ + "/" + name);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  void touch(const std::string& path) const { std::ofstream file(dir_ + "/" + path); }

  std::string dir_;
};

TEST_F(NodeWatchTest, WhatIsLostInAFullQueueConcernsAll) {
  std::size_t most = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  ASSERT_GT(most, 0u);
  std::promise<void> held, release, told;
  std::atomic<bool> armed{false};
  std::atomic<bool> done{false};
  NodeWatch watch([&](std::int64_t instance) {
    if (!armed) return;
    if (instance == 1 && armed && !done.exchange(true)) {
      held.set_value();
      release.get_future().wait();
    } else if (instance == 2) {
      armed = false;
      told.set_value();
    }
  });
  ASSERT_TRUE(watch.set(1, {dir_ + "/busy/node"}).ok());
  ASSERT_TRUE(watch.set(2, {dir_ + "/quiet/node"}).ok());
  armed = true;
  touch("busy/first");
  held.get_future().wait();
  // One name after the other: equal events in a row count once. Two for each file.
  for (std::size_t i = 0; i <= most / 2; ++i) {
    touch("busy/more");
    ASSERT_EQ(::unlink((dir_ + "/busy/more").c_str()), 0);
  }
  touch("quiet/node");
  release.set_value();
  const auto heard = told.get_future().wait_for(std::chrono::seconds(10));
  watch.end();
  EXPECT_EQ(heard, std::future_status::ready);
}

}  // namespace
}  // namespace cella::manager
