// How long a launch and an exec take through the client. Disabled in ordinary runs: numbers are not verdicts.
// Run with --gtest_also_run_disabled_tests --gtest_filter='KeeperSpeed.*' on a release build.
#include <fcntl.h>

#include <algorithm>
#include <cstdio>

#include "base/files.h"
#include "keeper_fixture.h"
#include "namespaces/idmapped_tree.h"

namespace cella::runtime::test {
namespace {

using Clock = std::chrono::steady_clock;

class KeeperSpeed : public KeeperTest {
 protected:
  static constexpr int kRounds = 200;

  static void print(const char* what, std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto at = [&](double part) { return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))]; };
    std::printf("  %-44s p50 %.3f  p90 %.3f  min %.3f ms\n", what, at(0.5), at(0.9), values.front());
  }
  static double since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  }

  void measure_launch(const char* title, std::uint64_t without) {
    std::vector<double> call;
    std::vector<double> keeper;
    std::vector<double> ended;
    std::vector<std::vector<double>> steps(kLaunchStepCount);
    LaunchPlan wanted = plan("true");
    wanted.argv = {"/bin/true"};
    wanted.namespaces &= ~without;
    if (without != 0) {
      auto& mounts = wanted.mounts.steps;
      std::erase_if(mounts, [](const auto& step) { return step.type == "sysfs" || step.target.starts_with("sys") || step.target.starts_with("/sys"); });
    }
    for (int i = 0; i < kRounds; ++i) {
      TestContainer container = prepare("c" + std::to_string(i));
      const Fd tree = std::move(*open_path(directory_ + "/root", O_PATH));
      const Fd root = std::move(*namespaces::copy_tree(tree, {.user_namespace = &user_namespace_}, "root"));
      const HostId id{1000000};
      const Fd dev = std::move(*make_dev_filesystem({.nodes = standard_device_nodes(id, id), .root_user = id, .root_group = id}));
      const int numbers[] = {container.cgroup.get(), root.get(), dev.get()};
      const auto start = Clock::now();
      auto launched = client_->launch(container.name, wanted, numbers);
      call.push_back(since(start));
      ASSERT_TRUE(launched.ok()) << launched.error().message();
      container.launched = std::move(*launched);
      ASSERT_TRUE(log_->wait_init(container.launched.init));
      ended.push_back(since(start));
      keeper.push_back(static_cast<double>(container.launched.timings.total_ns) / 1e6);
      for (std::size_t step = 0; step < kLaunchStepCount; ++step)
        steps[step].push_back(static_cast<double>(container.launched.timings.step_ns[step]) / 1e6);
      stop(container);
    }
    std::printf("%s\n", title);
    print("request until execve was seen by the client", call);
    print("launch() in the keeper", keeper);
    print("request until the exit was reported", ended);
    for (std::size_t step = 0; step < kLaunchStepCount; ++step)
      if (*std::max_element(steps[step].begin(), steps[step].end()) > 0)
        print(("  step " + std::string(launch_step_name(static_cast<LaunchStep>(step)))).c_str(), steps[step]);
  }
};

TEST_F(KeeperSpeed, DISABLED_Launch) {
  measure_launch("dir root, no network namespace", CLONE_NEWNET);
  measure_launch("dir root, network namespace", 0);
}

TEST_F(KeeperSpeed, DISABLED_Exec) {
  TestContainer container = start("c1", "while :; do sleep 1000; done");
  const Fd null = std::move(*open_path("/dev/null", O_RDWR));
  const ExecStreams streams{null.get(), null.get(), null.get()};
  std::vector<double> started;
  std::vector<double> ended;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = Clock::now();
    const auto session = client_->exec("c1", exec_plan({"/bin/true"}), container.leaf.get(), streams, log_exit());
    ASSERT_TRUE(session.ok());
    started.push_back(since(start));
    EXPECT_EQ(log_->wait_session(session->id).wait_status, 0);
    ended.push_back(since(start));
  }
  std::printf("exec of busybox true\n");
  print("request until execve was seen by the client", started);
  print("request until the exit was reported", ended);
  stop(container);
}

TEST_F(KeeperSpeed, DISABLED_Memory) {
  const auto resident = [&] {
    const std::string rollup = *read_file("/proc/" + std::to_string(client_->keeper_pid()) + "/smaps_rollup");
    for (const char* line : {"Rss:", "Pss:", "Private_Dirty:"})
      std::printf("  %s\n", rollup.substr(rollup.find(line), 40).substr(0, rollup.substr(rollup.find(line)).find('\n')).c_str());
  };
  std::printf("fresh keeper\n");
  resident();
  std::vector<TestContainer> containers;
  for (int i = 0; i < 100; ++i) containers.push_back(start("c" + std::to_string(i), "while :; do sleep 1000; done"));
  std::printf("with 100 containers\n");
  resident();
  for (TestContainer& container : containers) stop(container);
  std::printf("after they ended\n");
  resident();
}

}  // namespace
}  // namespace cella::runtime::test
