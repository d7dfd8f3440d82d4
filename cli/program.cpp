#include "cli/program.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cli/alias_words.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "cli/remote_words.h"
#include "cli/server.h"
#include "cli/version.h"

namespace cella::cli {
namespace {

int fail(const Error& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "Error: %s\n", error.message().c_str());
  return 1;
}

Globals globals_of(const Arguments& arguments) {
  return {.quiet = arguments.on("quiet"),
          .debug = arguments.on("debug"),
          .verbose = arguments.on("verbose"),
          .force_local = arguments.on("force-local"),
          .project = arguments.text("project")};
}

// The words with the user's own aliases put in; a configuration that cannot be read has none, and is complained of by
// the command that needs it.
Result<std::vector<std::string>> without_aliases(std::span<const std::string> words) {
  const std::vector<std::string> same(words.begin(), words.end());
  if (words.empty() || words[0] == "alias" || words[0].starts_with("__")) return same;
  const auto remotes = Remotes::load();
  if (!remotes.ok()) return same;
  auto expanded = TRY(expand_alias(remotes->file().aliases, words));
  return expanded ? *std::move(expanded) : same;
}

// An alias may stand for another program. Returns only when it cannot be started.
Error become_program(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  return errno_error(errno, "execute " + words[0]);
}

// No words at all: the user wants to know how. Some, but the wrong number: the help, and a failure.
int show_usage(const Invocation& invocation) {
  std::fputs(help_text(*invocation.command, invocation.path).c_str(), stdout);
  if (invocation.arguments.words.empty()) return 0;
  return fail(Error(ErrorKind::kInvalid, "Invalid number of arguments"));
}

}  // namespace

int run_program(std::span<const std::string> typed) {
  const Command tree = command_tree();
  const auto words = without_aliases(typed);
  if (!words.ok()) return fail(words.error());
  if (!words->empty() && words->front().starts_with('/')) return fail(become_program(*words));
  const Result<Invocation> invocation = parse(tree, *words);
  if (!invocation.ok()) return fail(invocation.error());
  if (invocation->wants_version) {
    std::printf("%s\n", kVersion.data());
    return 0;
  }
  if (invocation->wants_help) {
    const auto depth = invocation->arguments.on("sub-commands") ? HelpDepth::kAll : HelpDepth::kChildren;
    std::fputs(help_text(*invocation->command, invocation->path, depth).c_str(), stdout);
    return 0;
  }
  if (invocation->wrong_count) return show_usage(*invocation);
  Server server(globals_of(invocation->arguments));
  Arguments arguments = invocation->arguments;
  if (const auto chosen = choose_remote(server, *invocation->command, arguments); !chosen.ok()) {
    return fail(chosen.error());
  }
  const Result<int> status = invocation->command->run(server, arguments);
  if (!status.ok()) return fail(status.error());
  if (std::fflush(stdout) != 0) return fail(errno_error(errno, "write standard output"));
  return *status;
}

}  // namespace cella::cli
