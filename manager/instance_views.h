// Looking into running instances and running programs in them.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "manager/instance.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"
#include "manager/instances.h"

namespace cella::manager {

// Thread-safe. See Instances for each function.
class InstanceViews {
 public:
  explicit InstanceViews(const InstanceSurroundings& around) : around_(around) {}

  Result<InstanceState> state(const std::string& name) const;
  Result<ExecProcess> exec(const std::string& name, const ExecRequest& request, const int (&stdio)[3],
                           std::function<void(int wait_status)> on_exit) const;
  Result<ConsoleSession> console(const std::string& name) const;
  Result<void> resize_console(const std::string& name, int columns, int rows) const;
  Result<std::string> console_log(const std::string& name) const;
  Result<void> clear_console_log(const std::string& name) const;
  Result<LaunchTrace> launch_trace(const std::string& name) const;

 private:
  struct Running {
    EntryPtr entry;
    std::shared_ptr<RunningContainer> container;
  };
  Result<Running> find_running(const std::string& name) const;
  void add_statistics(const std::string& name, RunningContainer& running, InstanceState& state) const;
  void add_network(const std::string& name, RunningContainer& running, InstanceState& state) const;
  void add_disk(const InstanceRecord& record, const Devices& devices, InstanceState& state) const;
  Result<int> exec_cgroup(const Running& running) const;

  const InstanceSurroundings& around_;
};

}  // namespace cella::manager
