#include "daemon/metrics_text.h"

#include <gtest/gtest.h>

namespace cella::daemon {
namespace {

using Type = MetricFamilies::Type;

TEST(MetricsText, KeepsTheSamplesOfAFamilyTogether) {
  MetricFamilies families;
  families.add("a_total", Type::kCounter, "First.", {{"name", "x"}}, 1);
  families.add("b", Type::kGauge, "Second.", {}, 2.5);
  families.add("a_total", Type::kCounter, "First.", {{"name", "y"}, {"type", "c"}}, 3);
  EXPECT_EQ(families.text(),
            "# HELP a_total First.\n# TYPE a_total counter\na_total{name=\"x\"} 1\na_total{name=\"y\",type=\"c\"} 3\n"
            "# HELP b Second.\n# TYPE b gauge\nb 2.5\n# EOF\n");
}

TEST(MetricsText, EscapesLabels) {
  MetricFamilies families;
  families.add("a", Type::kGauge, "A.", {{"name", "q\"b\\n\nl"}}, 0);
  EXPECT_NE(families.text().find("a{name=\"q\\\"b\\\\n\\nl\"} 0\n"), std::string::npos) << families.text();
}

TEST(MetricsText, CountsLaunchesInCumulativeBuckets) {
  manager::LaunchStatistics launches;
  manager::LaunchTrace trace;
  trace.steps = {{"root", 60'000}, {"launch", 2'000'000}, {"launch: mounts", 900'000}};
  launches.add(trace);
  launches.add_failure();
  MetricFamilies families;
  add_launches(families, launches);
  const std::string text = families.text();
  for (const char* line : {"cella_launch_step_seconds_bucket{step=\"root\",le=\"5e-05\"} 0\n",
                           "cella_launch_step_seconds_bucket{step=\"root\",le=\"1e-04\"} 1\n",
                           "cella_launch_step_seconds_bucket{step=\"root\",le=\"+Inf\"} 1\n",
                           "cella_launch_step_seconds_sum{step=\"total\"} 0.00206\n", "cella_launch_failures_total 1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(MetricsText, LeavesOutWhatNoControllerCounts) {
  manager::InstanceMetrics instance;
  instance.name = "c";
  instance.project = "default";
  MetricFamilies families;
  add_instance(families, instance);
  EXPECT_EQ(families.text().find("lxd_memory_"), std::string::npos);
  instance.memory = {{"anon", 4096}};
  instance.memory_limit = 10;
  instance.memory_usage = 4;
  MetricFamilies counted;
  add_instance(counted, instance);
  EXPECT_NE(counted.text().find("lxd_memory_MemFree_bytes{name=\"c\",project=\"default\",type=\"container\"} 6\n"),
            std::string::npos);
}

}  // namespace
}  // namespace cella::daemon
