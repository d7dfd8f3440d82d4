// What this host lacks, as warnings, looked for at every start of the daemon.
#pragma once

#include <string>

#include "cgroups/controller.h"
#include "manager/warnings.h"

namespace cella::manager {

// controllers: those that limits of instances can use; where: the hierarchy's path.
void check_host(Warnings& warnings, cgroups::ControllerSet controllers, const std::string& where);

// Whether the text of a mountinfo says that "/" is a shared mount.
bool root_is_shared(std::string_view mountinfo);

}  // namespace cella::manager
