// The text of --help: description, usage, aliases, examples, sub-commands, flags.
#pragma once

#include <string>

#include "cli/command.h"

namespace cella::cli {

// path: the words that lead to the command ("cella config device").
std::string help_text(const Command& command, const std::string& path);

}  // namespace cella::cli
