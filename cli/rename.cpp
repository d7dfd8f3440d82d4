// rename and move: an instance gets another name on the same server.
#include "api/instance.h"
#include "cli/commands.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

Result<int> run(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "instance"));
  const std::string new_name = TRY(required_name(arguments.word(1), "instance"));
  const api::InstancePost post{.name = new_name};
  TRY(server.change("POST", url({"instances", name}), api::encode(post), {}, "Renaming " + name));
  return 0;
}

Command two_names(std::string_view name, std::string_view summary) {
  return {.name = name,
          .usage = "<instance> <new-name>",
          .summary = summary,
          .min_words = 2,
          .max_words = 2,
          .completes = {Names::kInstance, Names::kNothing},
          .run = run};
}

}  // namespace

Command rename_instance_command() { return two_names("rename", "Rename an instance"); }

Command move_command() {
  Command command = two_names("move", "Move an instance to another name on this server");
  command.aliases = {"mv"};
  return command;
}

}  // namespace cella::cli
