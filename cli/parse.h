// Command line to command and arguments, with the habits of the field: flags anywhere, "-cVALUE", "--flag=VALUE",
// joined switches, "--" ends the flags.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/command.h"

namespace cella::cli {

struct Invocation {
  const Command* command = nullptr;
  std::string path;  // "cella config device add"
  Arguments arguments;
  bool wants_help = false;
  bool wants_version = false;
  // Too few or too many words: the caller prints the help, and fails unless there were none at all.
  bool wrong_count = false;
};

// words: everything after the program's name. The tree must outlive the result.
// Errors: kInvalid naming an unknown command (with likely ones), an unknown flag, or a flag without its value.
Result<Invocation> parse(const Command& tree, std::span<const std::string> words);

// Up to three of the candidates that are close to word, nearest first.
std::vector<std::string> suggestions(std::string_view word, std::span<const std::string> candidates);

// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
std::size_t edit_distance(std::string_view left, std::string_view right);

}  // namespace cella::cli
