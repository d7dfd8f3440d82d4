// A keeper of its own in a temporary state directory, and containers with a busybox root in it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/id_map.h"
#include "runtime/client.h"

namespace cella::runtime::test {

// Exits as they were reported, to wait for.
class ExitLog {
 public:
  void add(const ContainerExit& exit);
  void add(const ExecExit& exit);
  void lose();
  // Fail the test and give an empty value after 10 s.
  ContainerExit wait_container(const std::string& name, std::size_t nth = 1);
  bool wait_init(const ProcessIdentity& init);
  ExecExit wait_session(ExecId id);
  bool wait_lost();
  std::size_t count(const std::string& name);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ContainerExit> containers_;
  std::vector<ExecExit> sessions_;
  bool lost_ = false;
};

struct TestContainer {
  std::string name;
  std::string cgroup_path;  // below the v2 root
  Fd cgroup;
  Fd leaf;
  LaunchedContainer launched;
};

struct ExecOutcome {
  int wait_status = -1;
  std::string output;
  std::string errors;
};

class KeeperTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  KeeperEvents events();
  // A client of a new daemon; the one before is destroyed first if asked.
  void connect();
  void disconnect() { client_.reset(); }

  // A plan that runs `sh -c script` as init, and what it refers to.
  LaunchPlan plan(const std::string& script);
  std::vector<int> descriptors(const TestContainer& container);
  // Makes the cgroup, launches; the result is empty after a failure, which fails the test.
  TestContainer start(const std::string& name, const std::string& script);
  TestContainer prepare(const std::string& name);
  Result<LaunchedContainer> launch(TestContainer& container, const LaunchPlan& plan, LaunchFailure* failure = nullptr);
  // Kills, waits for the exit, acknowledges it and removes the cgroup.
  void stop(TestContainer& container);
  void remove_cgroup(TestContainer& container);

  static ExecPlan exec_plan(const std::vector<std::string>& argv);
  // Runs a command to its end with its output.
  ExecOutcome run(const TestContainer& container, const ExecPlan& plan, const std::string& input = "");
  ExecOutcome run(const TestContainer& container, const std::string& script) {
    return run(container, exec_plan({"sh", "-c", script}));
  }
  std::function<void(const ExecExit&)> log_exit() {
    return [log = log_](const ExecExit& exit) { log->add(exit); };
  }

  std::size_t keeper_descriptors() const;
  void kill_keeper();

  std::string directory_;
  KeeperOptions options_;
  std::shared_ptr<ExitLog> log_ = std::make_shared<ExitLog>();
  std::unique_ptr<KeeperClient> client_;
  Fd user_namespace_;

 private:
  void make_root_filesystem();
  std::string cgroup_root_;
  std::string mounts_before_;
};

// Whether the kernel still tells the status of a process that someone else reaped (Linux 6.15).
bool kernel_keeps_exits();

// Reads until the text appears or the stream ends; fails after 10 s.
std::string read_until(const Fd& stream, const std::string& text);
// Reads to the end; fails after 10 s.
std::string read_all(const Fd& stream);
// Waits until the process has ended; false after 10 s.
bool wait_ended(const PidFd& process);

}  // namespace cella::runtime::test
