// Which server a command is for: its words may begin with "REMOTE:".
#pragma once

#include "base/result.h"
#include "cli/command.h"
#include "cli/server.h"

namespace cella::cli {

// Takes "REMOTE:" off the words that name something of a server and lets `server` talk to that remote; a word that is
// only "REMOTE:" becomes "local:". Words of another kind, and what is no remote's name, stay.
// Errors: kUnsupported when two words name different remotes; those of reading the configuration.
Result<void> choose_remote(Server& server, const Command& command, Arguments& arguments);

}  // namespace cella::cli
