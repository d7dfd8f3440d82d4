// The command line from words to exit status.
#pragma once

#include <span>
#include <string>

namespace cella::cli {

// Runs one command. words: everything after the program's name. Errors are printed ("Error: …") and are status 1.
int run_program(std::span<const std::string> words);

}  // namespace cella::cli
