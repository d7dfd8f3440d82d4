// completion bash and zsh, and the hidden command its script calls.
#include <cstdio>

#include "api/image.h"
#include "api/instance.h"
#include "api/profile.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/server.h"

namespace cella::cli {
namespace {

std::string last_part(const std::string& path) {
  const std::string plain = path.substr(0, path.find('?'));
  return plain.substr(plain.rfind('/') + 1);
}

std::vector<std::string> names_in(Server& server, const std::string& target) {
  std::vector<std::string> names;
  const auto answer = server.call("GET", target);
  if (!answer.ok()) return names;
  const auto urls = api::decode_strings(answer->response.metadata.text);
  if (!urls.ok()) return names;
  for (const std::string& path : *urls) {
    names.push_back(api::percent_decode(last_part(path)).ok() ? *api::percent_decode(last_part(path))
                                                              : last_part(path));
  }
  return names;
}

std::vector<std::string> image_names(Server& server) {
  std::vector<std::string> names;
  const auto images = server.list<api::Image>("/1.0/images?recursion=1");
  if (!images.ok()) return names;
  for (const api::Image& image : *images) {
    for (const auto& alias : image.aliases) names.push_back(alias.name);
    if (image.aliases.empty()) names.push_back(image.fingerprint.substr(0, 12));
  }
  return names;
}

std::vector<std::string> operation_names(Server& server) {
  std::vector<std::string> names;
  const auto operations = server.get<api::OperationsByStatus>("/1.0/operations?recursion=1");
  if (!operations.ok()) return names;
  for (const auto& [status, some] : *operations) {
    for (const auto& operation : some) names.push_back(operation.id);
  }
  return names;
}

template <typename Put>
std::vector<std::string> device_names(Server& server, std::string_view collection, const std::string& owner) {
  std::vector<std::string> names;
  const auto put = server.get<Put>(url({collection, owner}));
  if (!put.ok()) return names;
  for (const auto& [name, device] : put->devices) names.push_back(name);
  return names;
}

std::vector<std::string> names_of_file(Server& server, Names kind) {
  std::vector<std::string> names;
  const auto remotes = server.remotes();
  if (!remotes.ok()) return names;
  const RemotesFile& file = (*remotes)->file();
  if (kind == Names::kAlias) {
    for (const auto& [name, target] : file.aliases) names.push_back(name);
  } else {
    for (const auto& [name, remote] : file.remotes) names.push_back(name);
  }
  return names;
}

std::vector<std::string> names_of(Server& server, Names kind, const std::string& owner) {
  switch (kind) {
    case Names::kSnapshot:
      return names_in(server, url({"instances", owner, "snapshots"}));
    case Names::kProject:
      return names_in(server, "/1.0/projects");
    case Names::kRemote:
    case Names::kAlias:
      return names_of_file(server, kind);
    case Names::kInstance:
      return names_in(server, "/1.0/instances");
    case Names::kProfile:
      return names_in(server, "/1.0/profiles");
    case Names::kNetwork:
      return names_in(server, "/1.0/networks");
    case Names::kPool:
      return names_in(server, "/1.0/storage-pools");
    case Names::kImage:
      return image_names(server);
    case Names::kOperation:
      return operation_names(server);
    case Names::kInstanceDevice:
      return device_names<api::InstancePut>(server, "instances", owner);
    case Names::kProfileDevice:
      return device_names<api::ProfilePut>(server, "profiles", owner);
    case Names::kNothing:
    case Names::kFile:
    case Names::kConfigKey:
    case Names::kFormat:
    case Names::kCommand:
      break;
  }
  return {};
}

Result<int> print_candidates(Server& server, const Arguments& arguments) {
  const Command tree = command_tree();
  const auto names = [&](const NameQuestion& question) {
    if (question.remote.empty()) return names_of(server, question.kind, question.owner);
    Server other(server.globals());
    return other.use_remote(question.remote).ok() ? names_of(other, question.kind, question.owner)
                                                  : std::vector<std::string>();
  };
  for (const std::string& candidate : complete(tree, arguments.words, names)) std::printf("%s\n", candidate.c_str());
  return 0;
}

}  // namespace

Command complete_command() {
  return {.name = "__complete",
          .summary = "Print what could stand at the end of a command line",
          .max_words = kAnyNumber,
          .run = print_candidates,
          .hidden = true,
          .raw = true};
}

Command completion_command() {
  Command command{.name = "completion", .summary = "Print a completion script for a shell"};
  command.children = {{.name = "bash",
                       .summary = "Print the script for bash",
                       .examples = "source <(cella completion bash)",
                       .run = [](Server&, const Arguments&) -> Result<int> {
                         std::fputs(bash_script().c_str(), stdout);
                         return 0;
                       }},
                      {.name = "zsh",
                       .summary = "Print the script for zsh",
                       .examples = "source <(cella completion zsh)",
                       .run = [](Server&, const Arguments&) -> Result<int> {
                         std::fputs(zsh_script().c_str(), stdout);
                         return 0;
                       }}};
  return command;
}

}  // namespace cella::cli
