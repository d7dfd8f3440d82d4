// Finding the keeper, or starting one that outlives this process.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "runtime/client.h"

namespace cella::runtime {

// A connection to $cella_dir/keeper.socket; if nobody listens there, of a new keeper. Safe against other daemons that do
// the same at this moment (lock in $cella_dir/keeper). The new keeper is init's child, in a session of its own, runs a
// sealed copy of the binary in memory (CVE-2019-5736), and inherits no descriptor but its socket and its log.
Result<Fd> connect_keeper(const KeeperOptions& options);

// `cella-runtime ROLE DIRECTORY`, which outlives its starter.
struct LastingProgram {
  std::string role;
  std::string runtime_binary;
  std::string directory;  // for people: it tells one daemon's from another's in a list of processes
  std::string log;        // file for what it says; emptied first
  int cgroup = -1;        // directory of the cgroup it is born in, borrowed; -1: the caller's own
  int mounts = -1;        // the mount namespace it works in, borrowed; -1: the caller's own
};

// Starts it with a listening socket as its descriptor 3: init's child, in a session of its own, from a sealed copy of the
// binary. Errors: that of the call that failed.
Result<void> start_program(const LastingProgram& program, const Fd& listener);

// A sealed, executable copy of a file in memory. Errors: kNotFound; kIo.
Result<Fd> seal_executable(const std::string& path);

// The last line a keeper wrote before it died, empty if none.
std::string last_words(const KeeperOptions& options);

}  // namespace cella::runtime
