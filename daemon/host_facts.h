// What this host is, as GET /1.0 and /1.0/resources show it.
#pragma once

#include <string>
#include <vector>

#include "api/server.h"
#include "base/result.h"

namespace cella::daemon {

// The parts of the environment that do not change while the daemon runs: kernel, distribution, host name, pid,
// abilities. storage* and addresses are left empty.
api::ServerEnvironment host_environment();

// JSON text of GET /1.0/resources: cpu, memory, and the system's name; gpu, network, storage, usb and pci lists.
// Errors: kIo naming the file of /proc or /sys that cannot be read.
Result<std::string> host_resources();

}  // namespace cella::daemon
