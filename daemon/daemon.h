// The daemon's entry point: `cella daemon`.
#pragma once

#include <string>

namespace cella::daemon {

struct DaemonOptions {
  std::string state_dir;  // empty: $CELLA_DIR, else /var/lib/cella
  std::string group;      // group that owns the API socket; empty: the caller's group
  bool debug = false;     // log requests and everything below
};

// Serves the API until SIGTERM or SIGINT; containers keep running. Returns the exit status: 0 after an orderly stop,
// 1 when it could not start (the reason is on stderr).
// Call it before any thread exists: it unshares the mount namespace of the process.
int run_daemon(const DaemonOptions& options);

}  // namespace cella::daemon
