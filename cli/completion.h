// Completion of a command line from the command tree.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/command.h"

namespace cella::cli {

// What exists, by kind. owner: the instance or profile whose devices or snapshots are asked for. remote: the server to
// ask; empty: the default one.
struct NameQuestion {
  Names kind = Names::kNothing;
  std::string owner = {};
  std::string remote = {};
};
using NameSource = std::function<std::vector<std::string>(const NameQuestion&)>;

// Candidates for the last of words (which may be empty), sorted, all beginning with it.
// An empty list means that the shell should complete file names.
std::vector<std::string> complete(const Command& tree, std::span<const std::string> words, const NameSource& names);

// The scripts that make a shell ask `cella __complete`.
std::string bash_script();
std::string zsh_script();

}  // namespace cella::cli
