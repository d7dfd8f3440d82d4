// Bringing a running container from one specification to another.
#pragma once

#include <memory>
#include <string>

#include "base/id_map.h"
#include "base/result.h"
#include "base/rollback.h"
#include "manager/container_spec.h"
#include "manager/instance_set.h"
#include "manager/instance_surroundings.h"
#include "runtime/client.h"

namespace cella::manager {

// One change of one running container; the caller holds its entry's run lock and keeps all of this alive until the
// rollback was committed or undone.
class LiveChanges {
 public:
  LiveChanges(const InstanceSurroundings& around, runtime::KeeperClient& keeper, RunningContainer& running,
              std::int64_t instance, const IdMap& map, Rollback& undo)
      : around_(around), keeper_(keeper), running_(running), instance_(instance), map_(map), undo_(undo) {}

  // Applies what differs: limits, then devices that go, then devices that come. Each step's undo is on the rollback.
  // config: the instance's own, for MAC addresses; volatile.DEVICE.host_name and .name of new NICs are put into it.
  // Errors: the first step that failed, naming the device or limit.
  Result<void> apply(const ContainerSpec& present, const ContainerSpec& next, Config& config);

  // Nodes that are not required come with those of the host, and go with them. Errors: the first that failed.
  Result<void> follow_nodes(const ContainerSpec& present);

 private:
  Result<void> change_limits(const ContainerSpec& next);
  Result<void> change_nics(const ContainerSpec& present, const ContainerSpec& next, Config& config);
  Result<void> plug(const std::string& name, const Nic& nic, Config& config);
  void unplug(const std::string& device, Config& config);
  Result<void> change_binds(const ContainerSpec& present, const ContainerSpec& next);
  Result<void> attach(const std::string& name, const BindMount& bind);
  Result<void> change_nodes(const ContainerSpec& present, const ContainerSpec& next);
  Result<void> change_proxies(const ContainerSpec& present, const ContainerSpec& next);
  Result<void> start_proxy(const ContainerSpec& of, const ProxySettings& proxy);
  Result<void> filter_devices(const ContainerSpec& next);

  const InstanceSurroundings& around_;
  runtime::KeeperClient& keeper_;
  RunningContainer& running_;
  const std::int64_t instance_;
  const IdMap& map_;
  Rollback& undo_;
};

}  // namespace cella::manager
