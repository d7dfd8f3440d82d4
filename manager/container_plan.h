// From a specification to what the keeper executes, and to what an exec in the same container looks like. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/id_map.h"
#include "manager/container_spec.h"
#include "manager/instance.h"
#include "manager/network.h"
#include "runtime/exec_plan.h"
#include "runtime/plan.h"

namespace cella::manager {

// Where the launch's descriptors stand in the vector that travels beside the plan: binds follow in their order.
inline constexpr runtime::DescriptorIndex kRootDescriptor = 0;
inline constexpr runtime::DescriptorIndex kDevDescriptor = 1;
inline constexpr runtime::DescriptorIndex kCgroupDescriptor = 2;
inline constexpr runtime::DescriptorIndex kFirstBindDescriptor = 3;

// A bind mount whose source has been opened.
struct OpenedBind {
  std::string path;  // inside
  bool directory = true;
};

// What is the same for every container of this daemon.
struct ContainerDefaults {
  std::uint64_t dropped_capabilities = 0;
  // The hard limit on open files where the user sets none; at most what this daemon itself may have.
  std::uint64_t open_files = 1048576;
};

// The seccomp program is left to the caller, here and below.
runtime::LaunchPlan plan_container(const ContainerSpec& spec, const IdMap& map, const LaunchNetwork& network,
                                   const std::vector<OpenedBind>& binds, const ContainerDefaults& defaults);

// environment: of the instance's environment.* keys; the request's own override them, both override the defaults.
// What a command's environment is: the defaults, the instance's, the request's, each over the one before.
std::map<std::string, std::string> exec_environment(const ExecRequest& request,
                                                    const std::map<std::string, std::string>& environment);

runtime::ExecPlan plan_exec(const ExecRequest& request, const std::map<std::string, std::string>& environment,
                            const std::vector<runtime::ResourceLimit>& limits, const ContainerDefaults& defaults);

}  // namespace cella::manager
