// What this host is, as GET /1.0 shows it.
#pragma once

#include <string>
#include <vector>

#include "api/server.h"

namespace cella::daemon {

// The parts of the environment that do not change while the daemon runs: kernel, distribution, host name, pid,
// abilities. storage* and addresses are left empty.
api::ServerEnvironment host_environment();

}  // namespace cella::daemon
