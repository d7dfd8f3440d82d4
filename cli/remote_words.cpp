#include "cli/remote_words.h"

#include <algorithm>

namespace cella::cli {
namespace {

Names kind_at(const Command& command, std::size_t at) {
  if (command.completes.empty()) return Names::kNothing;
  return command.completes[std::min(at, command.completes.size() - 1)];
}

// The first word says where, unless it is a file; later ones only where they name something.
bool may_name_remote(const Command& command, std::size_t at) {
  const Names kind = kind_at(command, at);
  if (at == 0) return kind != Names::kFile;
  if (kind == Names::kNothing) return command.name == "rename";
  return kind != Names::kFile && kind != Names::kFormat && kind != Names::kConfigKey;
}

}  // namespace

Result<void> choose_remote(Server& server, const Command& command, Arguments& arguments) {
  if (command.raw || command.own_remotes || server.globals().force_local) return kOk;
  std::string chosen;
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
    word = split->rest.empty() ? "local:" : split->rest;
  }
  if (chosen.empty()) return kOk;
  return server.use_remote(chosen);
}

}  // namespace cella::cli
