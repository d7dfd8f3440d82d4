// rename and move: an instance gets another name on the same server.
#include "api/instance.h"
#include "cli/commands.h"
#include "cli/object.h"
#include "cli/snapshot_name.h"

namespace cella::cli {
namespace {

// "c1/s0 c1/s1", or with the plain new name.
Result<int> rename_snapshot(Server& server, const SnapshotName& from, const SnapshotName& to) {
  if (!to.snapshot.empty() && to.instance != from.instance) {
    return invalid_value("new name", to.instance + "/" + to.snapshot, "snapshots stay with their instance");
  }
  const api::SnapshotPost post{.name = to.snapshot.empty() ? to.instance : to.snapshot};
  TRY(server.change("POST", snapshot_url(from), api::encode(post), {}, "Renaming " + from.snapshot));
  return 0;
}

Result<int> run(Server& server, const Arguments& arguments) {
  const SnapshotName from = TRY(snapshot_name(arguments.word(0)));
  const SnapshotName to = TRY(snapshot_name(arguments.word(arguments.words.size() < 2 ? 0 : 1)));
  if (!from.snapshot.empty()) return rename_snapshot(server, from, to);
  if (!to.snapshot.empty()) return invalid_value("new name", arguments.word(1), "an instance cannot become a snapshot");
  const std::string& name = from.instance;
  api::InstancePost post{.name = to.instance};
  if (arguments.has("storage")) {
    post.pool = arguments.text("storage");
    post.migration = true;
  } else if (arguments.words.size() < 2) {
    return Error(ErrorKind::kInvalid, "Missing new name");
  }
  TRY(server.change("POST", url({"instances", name}), api::encode(post), {}, "Renaming " + name));
  return 0;
}

Command two_names(std::string_view name, std::string_view summary) {
  return {.name = name,
          .usage = "<instance>[/<snapshot>] <new-name>",
          .summary = summary,
          .min_words = 2,
          .max_words = 2,
          .completes = {Names::kInstance, Names::kNothing},
          .run = run};
}

}  // namespace

Command rename_instance_command() { return two_names("rename", "Rename an instance"); }

Command move_command() {
  Command command = two_names("move", "Move an instance to another name or storage pool on this server");
  command.aliases = {"mv"};
  command.usage = "<instance>[/<snapshot>] [<new-name>]";
  command.min_words = 1;
  command.flags = {{.letter = 's', .name = "storage", .value = "pool", .help = "Storage pool to move to"}};
  return command;
}

}  // namespace cella::cli
