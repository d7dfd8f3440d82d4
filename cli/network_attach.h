// network attach, detach, attach-profile, detach-profile: a network card of an instance or a profile.
#pragma once

#include <vector>

#include "cli/command.h"

namespace cella::cli {

std::vector<Command> network_attach_commands();

}  // namespace cella::cli
