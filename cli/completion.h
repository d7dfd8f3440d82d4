// Completion of a command line from the command tree.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/command.h"

namespace cella::cli {

// What exists, by kind. owner: the instance or profile whose devices are asked for.
using NameSource = std::function<std::vector<std::string>(Names kind, const std::string& owner)>;

// Candidates for the last of words (which may be empty), sorted, all beginning with it.
// An empty list means that the shell should complete file names.
std::vector<std::string> complete(const Command& tree, std::span<const std::string> words, const NameSource& names);

// The script that makes bash ask `cella __complete`.
std::string bash_script();

}  // namespace cella::cli
