#include "cli/command.h"

#include <algorithm>

namespace cella::cli {

bool Arguments::on(std::string_view flag) const {
  const auto found = flags.find(flag);
  return found != flags.end() && found->second.back() != "false";
}

std::string Arguments::text(std::string_view flag, std::string_view otherwise) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? std::string(otherwise) : found->second.back();
}

std::vector<std::string> Arguments::all(std::string_view flag) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? std::vector<std::string>() : found->second;
}

const std::vector<Flag>& global_flags() {
  static const std::vector<Flag> flags = {
      {.name = "debug", .help = "Show each request and answer on standard error"},
      {.name = "force-local", .help = "Use the local unix socket whatever else is configured"},
      {.letter = 'h', .name = "help", .help = "Print help"},
      {.name = "project", .value = "name", .help = "Project to work in"},
      {.letter = 'q', .name = "quiet", .help = "Do not show progress"},
      {.name = "sub-commands", .help = "With --help: show the commands below each command too"},
      {.letter = 'v', .name = "verbose", .help = "Show informational messages"},
      {.name = "version", .help = "Print the version number"},
  };
  return flags;
}

const Command* find_child(const Command& command, std::string_view word) {
  for (const Command& child : command.children) {
    if (child.name == word) return &child;
    if (std::find(child.aliases.begin(), child.aliases.end(), word) != child.aliases.end()) return &child;
  }
  return nullptr;
}

}  // namespace cella::cli
