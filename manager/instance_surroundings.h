// What the work on instances stands on: the other nouns and this host, wired once in server.cpp.
#pragma once

#include <vector>

#include "cgroups/controller.h"
#include "cgroups/device_filter.h"
#include "cgroups/hierarchy.h"
#include "manager/container_plan.h"
#include "manager/id_ranges.h"

namespace cella::manager {

class CustomVolumes;
class Database;
class Events;
class GuestSockets;
class Images;
class InstanceLogs;
class InstanceSet;
class KeeperLink;
class LaunchStatistics;
class Networks;
class NodeWatch;
class Operations;
class OperationPool;
class Pools;
class Profiles;
class Proxies;
class Projects;
class SeccompPrograms;
class Warnings;

// References outlive every instance operation. Const after wiring.
struct InstanceSurroundings {
  Database& database;
  Events& events;
  Operations& operations;
  Projects& projects;
  Profiles& profiles;
  Images& images;
  Pools& pools;
  CustomVolumes& volumes;
  Networks& networks;
  KeeperLink& keeper;
  InstanceSet& set;
  GuestSockets& guests;
  Proxies& proxies;
  NodeWatch& nodes;
  const cgroups::Hierarchy& hierarchy;
  Warnings& warnings;
  LaunchStatistics& launches;
  const InstanceLogs& logs;
  const SeccompPrograms& seccomp;
  cgroups::ControllerSet controllers;  // on for children of the hierarchy's root
  cgroups::CpuSet usable_cpus;
  HostFacts host;
  std::vector<IdWindow> id_windows;
  ContainerDefaults defaults;
  // Loaded for the default rules; empty where the kernel has no device programs to load: then no container starts.
  std::optional<cgroups::DeviceFilter> device_filter;
};

}  // namespace cella::manager
