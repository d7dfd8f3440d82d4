// Whether this host can enforce the limits that an instance asks for.
#pragma once

#include <string>

#include "base/result.h"
#include "cgroups/controller.h"
#include "manager/config.h"
#include "manager/container_spec.h"

namespace cella::manager {

// config: the expanded one that `spec` was built from; instance: as its user knows it. where: the hierarchy's path.
// Errors: kUnsupported naming instance, key, value and the controller that is missing.
Result<void> check_limit_controllers(const std::string& instance, const Config& config, const ContainerSpec& spec,
                                     cgroups::ControllerSet available, const std::string& where);

}  // namespace cella::manager
