// The flags of `cella daemon`, apart from the daemon itself so that they can be tested and shown without it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"

namespace cella::cli {

struct DaemonFlags {
  std::string state_dir;
  std::string group;
  bool debug = false;
  bool help = false;
};

// words: after "daemon". Errors: kInvalid for an unknown flag or a superfluous word.
Result<DaemonFlags> parse_daemon_options(const std::vector<std::string>& words);

std::string daemon_help();

// `daemon` in the tree, for help and completion; it is run by the executable's main, never through the tree.
Command daemon_command();

}  // namespace cella::cli
