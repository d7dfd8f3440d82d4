// What the work on instances stands on: the other nouns and this host, wired once in server.cpp.
#pragma once

#include <vector>

#include "cgroups/controller.h"
#include "cgroups/device_filter.h"
#include "cgroups/hierarchy.h"
#include "manager/container_plan.h"
#include "manager/id_ranges.h"

namespace cella::manager {

class Database;
class Events;
class Images;
class InstanceSet;
class KeeperLink;
class Networks;
class Operations;
class OperationPool;
class Pools;
class Profiles;

// References outlive every instance operation. Const after wiring.
struct InstanceSurroundings {
  Database& database;
  Events& events;
  Operations& operations;
  Profiles& profiles;
  Images& images;
  Pools& pools;
  Networks& networks;
  KeeperLink& keeper;
  InstanceSet& set;
  const cgroups::Hierarchy& hierarchy;
  cgroups::ControllerSet controllers;  // on for children of the hierarchy's root
  cgroups::CpuSet usable_cpus;
  HostFacts host;
  std::vector<IdWindow> id_windows;
  ContainerDefaults defaults;
  // Loaded for the default rules; empty where the kernel has no device programs to load: then no container starts.
  std::optional<cgroups::DeviceFilter> device_filter;
};

}  // namespace cella::manager
