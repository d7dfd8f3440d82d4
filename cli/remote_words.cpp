#include "cli/remote_words.h"

#include <algorithm>

namespace cella::cli {
namespace {

Names kind_at(const Command& command, std::size_t at) {
  if (command.completes.empty()) return Names::kNothing;
  return command.completes[std::min(at, command.completes.size() - 1)];
}

// What its second word names is made, by default on the default remote.
bool makes_something(const Command& command) {
  return command.name == "launch" || command.name == "init" || command.name == "copy" || command.name == "move";
}

// The first word says where, unless it is a file; later ones only where they name something, or will.
bool may_name_remote(const Command& command, std::size_t at) {
  const Names kind = kind_at(command, at);
  if (at == 0) return kind != Names::kFile;
  if (kind == Names::kNothing) return command.name == "rename" || makes_something(command);
  return kind != Names::kFile && kind != Names::kFormat && kind != Names::kConfigKey;
}

}  // namespace

Result<void> choose_remote(Server& server, const Command& command, Arguments& arguments) {
  if (command.raw || command.own_remotes || server.globals().force_local) return kOk;
  std::string chosen;
  std::size_t named = 0;  // words that name the remote
  for (std::size_t at = 0; at < arguments.words.size(); ++at) {
    std::string& word = arguments.words[at];
    if (word.find(':') == std::string::npos || !may_name_remote(command, at)) continue;
    const auto split = split_remote(TRY(server.remotes())->file(), word);
    if (!split) continue;
    if (!chosen.empty() && chosen != split->remote) {
      return Error(ErrorKind::kUnsupported, "one command for two servers (\"" + chosen + "\" and \"" + split->remote +
                                                "\"): run it once for each");
    }
    chosen = split->remote;
    ++named;
    word = split->rest.empty() ? "local:" : split->rest;
  }
  if (chosen.empty()) return kOk;
  const bool split_over_two = named < std::min<std::size_t>(arguments.words.size(), 2) &&
                              chosen != TRY(server.remotes())->file().default_remote;
  if (makes_something(command) && split_over_two) {
    return Error(ErrorKind::kUnsupported, "the two are on different servers (\"" + chosen +
                                              "\" and the default one): only images can be copied "
                                              "between servers, with \"image copy\"");
  }
  return server.use_remote(chosen);
}

}  // namespace cella::cli
