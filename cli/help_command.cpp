// help: what --help shows, named the other way round.
#include <cstdio>

#include "cli/commands.h"
#include "cli/help.h"

namespace cella::cli {
namespace {

Result<int> run(Server&, const Arguments& arguments) {
  const Command tree = command_tree();
  const Command* command = &tree;
  std::string path(tree.name);
  for (const std::string& word : arguments.words) {
    const Command* const child = find_child(*command, word);
    if (child == nullptr) return Error(ErrorKind::kNotFound, "unknown command \"" + word + "\" for \"" + path + "\"");
    command = child;
    path.append(" ").append(child->name);
  }
  std::fputs(help_text(*command, path).c_str(), stdout);
  return 0;
}

}  // namespace

Command help_command() {
  return {.name = "help",
          .usage = "[<command>...]",
          .summary = "Show the help of a command",
          .max_words = kAnyNumber,
          .completes = {Names::kCommand},
          .run = run,
          .own_remotes = true};
}

}  // namespace cella::cli
