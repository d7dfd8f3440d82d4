// Metrics in the OpenMetrics text format.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "manager/instance_metrics.h"
#include "manager/launch_statistics.h"

namespace cella::daemon {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Families in the order in which they were first named, each with its samples. A value.
class MetricFamilies {
 public:
  enum class Type { kCounter, kGauge, kHistogram };
  // suffix: behind the family's name in the sample ("_total" is part of a counter's name already).
  void add(const std::string& family, Type type, const std::string& help, const MetricLabels& labels, double value,
           const std::string& suffix = "");
  // Ends with "# EOF".
  std::string text() const;

 private:
  struct Family {
    Type type = Type::kGauge;
    std::string help;
    std::string samples;
  };
  std::vector<std::string> order_;
  std::map<std::string, Family> families_;
};

// LXD's families, with the labels name, project and type.
void add_instance(MetricFamilies& families, const manager::InstanceMetrics& instance);

// cella_launch_step_seconds and cella_launch_failures_total.
void add_launches(MetricFamilies& families, const manager::LaunchStatistics& launches);

}  // namespace cella::daemon
