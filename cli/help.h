// The text of --help: description, usage, aliases, examples, sub-commands, flags.
#pragma once

#include <cstdint>
#include <string>

#include "cli/command.h"

namespace cella::cli {

enum class HelpDepth : std::uint8_t { kChildren, kAll };

// path: the words that lead to the command ("cella config device"). depth: which commands below it are listed.
std::string help_text(const Command& command, const std::string& path, HelpDepth depth = HelpDepth::kChildren);

}  // namespace cella::cli
