// `cella`: the command line, and the daemon as `cella daemon`.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/daemon_options.h"
#include "cli/program.h"
#include "daemon/daemon.h"

namespace {

int run(const std::vector<std::string>& words) {
  if (words.empty() || words[0] != "daemon") return cella::cli::run_program(words);
  const auto options = cella::cli::parse_daemon_options({words.begin() + 1, words.end()});
  if (!options.ok()) {
    std::fprintf(stderr, "Error: %s\n", options.error().message().c_str());
    return 1;
  }
  if (options->help) {
    std::fputs(cella::cli::daemon_help().c_str(), stdout);
    return 0;
  }
  return cella::daemon::run_daemon({.state_dir = options->state_dir, .group = options->group, .debug = options->debug});
}

}  // namespace

// The one door at which a library's exception that nobody expected (memory, above all) ends as a message.
int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "Error: %s\n", error.what());
    return 1;
  }
}
