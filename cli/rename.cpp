// rename and move: an instance gets another name, or goes to another server.
#include "api/instance.h"
#include "base/status_code.h"
#include "cli/commands.h"
#include "cli/migrate.h"
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

Result<int> rename_here(Server& server, const Arguments& arguments, const SnapshotName& from,
                        const std::string& new_name) {
  const SnapshotName to = TRY(snapshot_name(new_name.empty() ? from.instance : new_name));
  if (!from.snapshot.empty()) return rename_snapshot(server, from, to);
  if (!to.snapshot.empty()) return invalid_value("new name", new_name, "an instance cannot become a snapshot");
  for (const char* flag : {"config", "device", "profile", "no-profiles"}) {
    if (arguments.has(flag)) {
      return Error(ErrorKind::kInvalid, "Can't override configuration or profiles when moving within a server (--" +
                                            std::string(flag) + ")");
    }
  }
  api::InstancePost post{.name = to.instance};
  post.migration = arguments.has("storage") || arguments.has("target-project");
  post.pool = arguments.text("storage");
  post.project = arguments.text("target-project");
  if (!post.migration && new_name.empty()) return Error(ErrorKind::kInvalid, "Missing new name");
  TRY(server.change("POST", url({"instances", from.instance}), api::encode(post), {}, "Renaming " + from.instance));
  return 0;
}

Result<int> rename_run(Server& server, const Arguments& arguments) {
  return rename_here(server, arguments, TRY(snapshot_name(arguments.word(0))), arguments.word(1));
}

Result<void> change_state(Server& server, const std::string& name, std::string_view action) {
  const api::InstanceStatePut put{.action = std::string(action), .timeout = -1, .force = false, .stateful = false};
  TRY(server.change("PUT", url({"instances", name, "state"}), api::encode(put), {}, std::string(action) + " " + name));
  return kOk;
}

// The instance as it is, with its addresses: it goes on being the same one.
Result<api::InstanceCreate> moved_request(const Arguments& arguments, const api::Instance& instance,
                                          const std::string& name) {
  api::InstanceCreate request{.architecture = instance.architecture, .config = instance.config,
                              .devices = instance.devices,           .ephemeral = instance.ephemeral,
                              .profiles = instance.profiles,         .description = instance.description,
                              .name = name,                          .type = "container"};
  if (arguments.has("profile")) request.profiles = arguments.all("profile");
  if (arguments.on("no-profiles")) request.profiles = std::vector<std::string>{};
  for (const auto& [key, value] : TRY(key_values(arguments.all("config")))) request.config[key] = value;
  TRY(apply_device_flags(arguments, instance.expanded_devices, request.devices));
  const auto base = instance.config.find("volatile.base_image");
  if (base != instance.config.end()) request.source.base_image = base->second;
  return request;
}

Result<int> move_away(Server& source, Server& target, const Arguments& arguments, const SnapshotName& from,
                      const std::string& name) {
  if (!from.snapshot.empty()) return invalid_value("instance", arguments.word(0), "a snapshot cannot be moved; copy it");
  const auto instance = TRY(source.get<api::Instance>(url({"instances", from.instance})));
  const bool running = instance.status_code == static_cast<int>(StatusCode::kRunning);
  const bool stateless = arguments.on("stateless");
  Migration migration{.from = from,
                      .create = TRY(moved_request(arguments, instance, name)),
                      .mode = TRY(migration_mode(arguments)),
                      .live = running && !stateless,
                      .instance_only = arguments.on("instance-only")};
  if (running && stateless) TRY(change_state(source, from.instance, "stop"));
  const Result<void> moved = migrate(source, target, std::move(migration));
  if (!moved.ok()) {
    if (running && stateless) TRY(change_state(source, from.instance, "start"));
    return moved.error();
  }
  TRY(source.change("DELETE", url({"instances", from.instance}), {}, {}, "Deleting " + from.instance));
  if (running && stateless) TRY(change_state(target, name, "start"));
  return 0;
}

Result<int> move_run(Server& server, const Arguments& arguments) {
  const RemoteName source_name = TRY(remote_name_of(server, arguments.word(0)));
  const RemoteName target_name = arguments.words.size() < 2 ? RemoteName{source_name.remote, ""}
                                                            : TRY(remote_name_of(server, arguments.word(1)));
  TRY(server.use_remote(source_name.remote));
  const SnapshotName from = TRY(snapshot_name(source_name.name));
  if (source_name.remote == target_name.remote) return rename_here(server, arguments, from, target_name.name);
  Globals globals = server.globals();
  if (arguments.has("target-project")) globals.project = arguments.text("target-project");
  Server target(globals);
  TRY(target.use_remote(target_name.remote));
  return move_away(server, target, arguments, from, target_name.name.empty() ? from.instance : target_name.name);
}

Command two_names(std::string_view name, std::string_view summary) {
  return {.name = name,
          .usage = "<instance>[/<snapshot>] <new-name>",
          .summary = summary,
          .min_words = 2,
          .max_words = 2,
          .completes = {Names::kInstance, Names::kNothing},
          .run = rename_run};
}

}  // namespace

Command rename_instance_command() { return two_names("rename", "Rename an instance"); }

Command move_command() {
  Command command = two_names("move", "Move an instance to another name, storage pool or server");
  command.aliases = {"mv"};
  command.usage = "[<remote>:]<instance>[/<snapshot>] [<remote>:][<new-name>]";
  command.details =
      "To another server it is copied with its snapshots and its addresses, then deleted here. A running instance is\n"
      "moved with --stateless: it is stopped and started again there.";
  command.min_words = 1;
  command.flags = {{.name = "allow-inconsistent", .help = "Go on when files change meanwhile (always so)"},
                   {.letter = 'c', .name = "config", .value = "key=value", .help = "Config key at the target (repeatable)"},
                   {.letter = 'd', .name = "device", .value = "device,key=value", .help = "Key of a device (repeatable)"},
                   {.name = "instance-only", .help = "Leave the snapshots out"},
                   {.name = "mode", .value = "mode", .help = "pull, push or relay", .fallback = "pull"},
                   {.name = "no-profiles", .help = "Apply no profile at the target"},
                   {.letter = 'p', .name = "profile", .value = "profile", .help = "Profile at the target (repeatable)"},
                   {.name = "stateless", .help = "Move a running instance without its memory"},
                   {.letter = 's', .name = "storage", .value = "pool", .help = "Storage pool to move to"},
                   {.name = "target-project", .value = "project", .help = "Project to move to"}};
  command.run = move_run;
  command.own_remotes = true;
  return command;
}

}  // namespace cella::cli
