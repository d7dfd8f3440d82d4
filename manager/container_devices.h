// Devices of a container made ready on the host: opened bind mounts and resolved device nodes.
#pragma once

#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/id_map.h"
#include "base/result.h"
#include "cgroups/device_program.h"
#include "manager/config.h"
#include "manager/container_plan.h"
#include "manager/container_spec.h"
#include "runtime/dev_filesystem.h"

namespace cella::manager {

class CustomVolumes;

struct PreparedBind {
  Fd mount;  // detached
  OpenedBind place;
};

// A clone of the host's mount at bind.source: detached, nodev, read-only and id-mapped as asked; or the volume of that
// name. instance: its qualified name, for the project of the volume. project: its project's configuration, which says
// where sources may be. nullopt when the source is missing and not required.
// Errors: kNotFound naming device and source; kDenied when a link leads out of where sources may be.
Result<std::optional<PreparedBind>> prepare_bind(const CustomVolumes& volumes, const Config& project,
                                                 const std::string& instance, const BindMount& bind, const IdMap& map);

// The node with numbers and owner resolved. nullopt when the source is missing and not required.
// Errors: kNotFound; kInvalid when the source is no device of that type or an owner is outside of the map.
Result<std::optional<runtime::DeviceNode>> resolve_node(const UnixNode& node, const IdMap& map);

// The host's files and the volumes behind the devices that next has and before (nullptr: nothing) does not have alike.
// Errors: kInvalid naming device and source when a required one is missing, or a volume cannot be mounted; kDenied as
// prepare_bind.
Result<void> check_sources(const CustomVolumes& volumes, const Config& project, const ContainerSpec& next,
                           const ContainerSpec* before);

// What this node adds to what every container may use.
cgroups::DeviceRule device_rule(const runtime::DeviceNode& node);

}  // namespace cella::manager
