// What happens to instances when the host comes up and goes down.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "manager/instance_control.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"

namespace cella::manager {

class InstanceBoot {
 public:
  InstanceBoot(const InstanceSurroundings& around, InstanceControl& control) : around_(around), control_(control) {}
  ~InstanceBoot() { end(); }
  // Ends start_instances() after the instance it is at.
  void end();

  // In the background: starts the stopped instances that ask for it (boot.autostart; without that key those that ran
  // when the host went down), highest boot.autostart.priority first, waiting boot.autostart.delay after each.
  void start_instances();

  // Stops all running instances, highest boot.stop.priority first and those of one priority together, gracefully within
  // boot.host_shutdown_timeout (30 s), then by force. They count as running for the next start_instances().
  void stop_instances();

 private:
  void start_in_order();
  bool pause(std::chrono::seconds delay);

  const InstanceSurroundings& around_;
  InstanceControl& control_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace cella::manager
