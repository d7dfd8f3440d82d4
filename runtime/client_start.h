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

// A sealed, executable copy of a file in memory. Errors: kNotFound; kIo.
Result<Fd> seal_executable(const std::string& path);

// The last line a keeper wrote before it died, empty if none.
std::string last_words(const KeeperOptions& options);

}  // namespace cella::runtime
