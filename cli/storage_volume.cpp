#include "cli/storage_volume.h"

#include <algorithm>

#include "api/storage.h"
#include "api/storage_volume.h"
#include "api/time.h"

namespace cella::cli {
namespace {

constexpr std::string_view kEditComment =
    "### This is the storage volume as YAML. Lines that start with \"#\" are ignored.\n"
    "### Only config and description can be changed here.";
constexpr std::string_view kSnapshotComment =
    "### This is the volume's snapshot as YAML. Lines that start with \"#\" are ignored.\n"
    "### Only the description and expires_at can be changed here.";

// What get, set and unset reach: the keys of `config`, or one of these members.
Result<std::string*> member_of(api::StorageVolumePut& put, const std::string& key) {
  if (key == "description") return &put.description;
  return &put.config[key];
}

Result<int> create(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  api::StorageVolumesPost post;
  if (const std::string yaml = TRY(piped_input()); yaml.find_first_not_of(" \t\r\n") != std::string::npos) {
    const auto put = TRY(api::decode<api::StorageVolumePut>(
        TRY((put_of_yaml<api::StorageVolume, api::StorageVolumePut>(yaml)))));
    post.config = put.config;
    post.description = put.description;
  }
  post.name = volume.name;
  post.type = volume.type;
  post.content_type = arguments.text("type", "filesystem");
  for (const auto& [key, value] : TRY(key_values(std::span(arguments.words).subspan(2)))) post.config[key] = value;
  TRY(server.change("POST", url({"storage-pools", pool, "volumes", volume.type}), api::encode(post), {},
                    "Creating storage volume " + volume.name));
  say(server, "Storage volume " + volume.name + " created");
  return 0;
}

Result<int> remove(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  TRY(server.change("DELETE", volume_target(pool, volume), {}, {}, "Deleting storage volume " + arguments.word(1)));
  say(server, "Storage volume " + arguments.word(1) + " deleted");
  return 0;
}

Result<int> show(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  const std::string text = TRY(server.call("GET", volume_target(pool, volume))).response.metadata.text;
  const std::string yaml =
      volume.snapshot.empty() ? TRY(yaml_as<api::StorageVolume>(text)) : TRY(yaml_as<api::StorageVolumeSnapshot>(text));
  std::fputs(yaml.c_str(), stdout);
  return 0;
}

Result<int> edit(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  const std::string target = volume_target(pool, volume);
  const api::Answer answer = TRY(server.call("GET", target));
  const std::string& text = answer.response.metadata.text;
  if (volume.snapshot.empty()) {
    const std::string shown = api::encode(TRY(api::decode<api::StorageVolume>(text)));
    TRY((edit_object<api::StorageVolume, api::StorageVolumePut>(server, target, kEditComment, shown, answer.etag)));
  } else {
    const std::string shown = api::encode(TRY(api::decode<api::StorageVolumeSnapshot>(text)));
    TRY((edit_object<api::StorageVolumeSnapshot, api::StorageVolumeSnapshotPut>(server, target, kSnapshotComment, shown,
                                                                                answer.etag)));
  }
  return 0;
}

Result<int> get(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  auto put = TRY(server.get<api::StorageVolumePut>(volume_target(pool, volume)));
  std::printf("%s\n", TRY(member_of(put, arguments.word(2)))->c_str());
  return 0;
}

Result<int> set(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  const auto pairs = TRY(key_values_or_pair(std::span(arguments.words).subspan(2)));
  TRY(update<api::StorageVolumePut>(server, volume_target(pool, volume),
                                    [&](api::StorageVolumePut& put) -> Result<void> {
                                      for (const auto& [key, value] : pairs) *TRY(member_of(put, key)) = value;
                                      return kOk;
                                    }));
  return 0;
}

Result<int> unset(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  TRY(update<api::StorageVolumePut>(server, volume_target(pool, volume),
                                    [&](api::StorageVolumePut& put) -> Result<void> {
                                      put.config.erase(arguments.word(2));
                                      return kOk;
                                    }));
  return 0;
}

Result<int> rename(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName from = TRY(volume_name(arguments.word(1)));
  const VolumeName to = TRY(volume_name(arguments.word(2)));
  if (from.snapshot.empty() != to.snapshot.empty() || (!to.snapshot.empty() && to.name != from.name))
    return invalid_value("new name", arguments.word(2), "a snapshot is renamed within its volume");
  const std::string body =
      from.snapshot.empty() ? api::encode(api::StorageVolumePost{.name = to.name, .pool = {}, .project = {}})
                            : api::encode(api::StorageVolumeSnapshotPost{.name = to.snapshot});
  TRY(server.change("POST", volume_target(pool, from), body, {}, "Renaming storage volume"));
  say(server, "Renamed storage volume from \"" + arguments.word(1) + "\" to \"" + arguments.word(2) + "\"");
  return 0;
}

Result<int> take_snapshot(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  const std::string name = arguments.word(2);
  VolumeName snapshot = volume;
  snapshot.snapshot = name;
  if (!name.empty() && arguments.on("reuse") && server.call("GET", volume_target(pool, snapshot)).ok())
    TRY(server.change("DELETE", volume_target(pool, snapshot), {}, {}, "Deleting " + name));
  api::StorageVolumeSnapshotsPost post{.name = name, .description = {}, .expires_at = {}};
  if (arguments.on("no-expiry")) post.expires_at = std::string(api::kNever);
  TRY(server.change("POST", volume_target(pool, volume) + "/snapshots", api::encode(post), {},
                    "Taking a snapshot of " + volume.name));
  return 0;
}

Result<int> restore(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  const api::StorageVolumePut put{.config = {}, .description = {}, .restore = arguments.word(2)};
  TRY(server.change("PUT", volume_target(pool, volume), api::encode(put), {}, "Restoring " + volume.name));
  return 0;
}

Command verb(std::string_view name, std::string_view usage, std::string_view summary, std::size_t min_words,
             std::size_t max_words, std::function<Result<int>(Server&, const Arguments&)> run) {
  return {.name = name,
          .usage = usage,
          .summary = summary,
          .min_words = min_words,
          .max_words = max_words,
          .completes = {Names::kPool, Names::kNothing},
          .run = std::move(run)};
}

Command create_command() {
  Command command = verb("create", "<pool> <volume> [key=value...]", "Create a custom volume", 2, kAnyNumber, create);
  command.details = "The volume's YAML may come on standard input.";
  command.examples = "cella storage volume create default data size=10GiB";
  command.flags = {{.name = "type", .value = "type", .help = "What it holds: filesystem or block", .fallback = "filesystem"}};
  return command;
}

Command snapshot_verb() {
  Command command = verb("snapshot", "<pool> <volume> [<snapshot>]", "Take a snapshot of a custom volume", 2, 3,
                         take_snapshot);
  command.flags = {{.name = "no-expiry", .help = "Keep it, whatever snapshots.expiry says"},
                   {.name = "reuse", .help = "Replace a snapshot of that name"}};
  return command;
}

}  // namespace

Result<VolumeName> volume_name(std::string_view word) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= word.size();) {
    const std::size_t end = std::min(word.find('/', at), word.size());
    parts.emplace_back(word.substr(at, end - at));
    at = end + 1;
  }
  VolumeName volume;
  const bool typed = parts.size() > 1 && (parts[0] == "custom" || parts[0] == "container" || parts[0] == "image" ||
                                          parts[0] == "virtual-machine");
  if (typed) {
    volume.type = parts.front();
    parts.erase(parts.begin());
  }
  const bool empty = std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); });
  if (empty || parts.size() > 2) return invalid_value("volume", word, "expected [<type>/]<volume>[/<snapshot>]");
  volume.name = parts[0];
  if (parts.size() == 2) volume.snapshot = parts[1];
  return volume;
}

std::string volume_target(const std::string& pool, const VolumeName& volume) {
  if (volume.snapshot.empty()) return url({"storage-pools", pool, "volumes", volume.type, volume.name});
  return url({"storage-pools", pool, "volumes", volume.type, volume.name, "snapshots", volume.snapshot});
}

Result<std::string> pool_word(const Arguments& arguments) { return required_name(arguments.word(0), "storage pool"); }

Command storage_volume_command() {
  Command command{.name = "volume", .summary = "Manage storage volumes"};
  auto& verbs = command.children;
  for (Command& attach : volume_attach_commands()) verbs.push_back(std::move(attach));
  for (Command& copy : volume_copy_commands()) verbs.push_back(std::move(copy));
  verbs.push_back(create_command());
  verbs.push_back(verb("delete", "<pool> <volume>[/<snapshot>]", "Delete a custom volume or a snapshot", 2, 2, remove));
  verbs.back().aliases = {"rm"};
  verbs.push_back(verb("edit", "<pool> [<type>/]<volume>[/<snapshot>]", "Edit a volume as YAML", 2, 2, edit));
  for (Command& backup : volume_backup_commands()) verbs.push_back(std::move(backup));
  verbs.push_back(verb("get", "<pool> [<type>/]<volume>[/<snapshot>] <key>", "Show one key of a volume", 3, 3, get));
  verbs.push_back(volume_info_command());
  verbs.push_back(volume_list_command());
  verbs.push_back(verb("rename", "<pool> <old name>[/<old snapshot name>] <new name>[/<new snapshot name>]",
                       "Rename a custom volume or a snapshot", 3, 3, rename));
  verbs.push_back(verb("restore", "<pool> <volume> <snapshot>", "Bring a custom volume back to a snapshot", 3, 3, restore));
  verbs.push_back(verb("set", "<pool> [<type>/]<volume> <key>=<value>...", "Set keys of a volume", 3, kAnyNumber, set));
  verbs.push_back(verb("show", "<pool> [<type>/]<volume>[/<snapshot>]", "Show a volume", 2, 2, show));
  verbs.back().details = "Types are custom (when none is given), container and image.";
  verbs.back().examples = "cella storage volume show default container/c1";
  verbs.push_back(snapshot_verb());
  verbs.push_back(verb("unset", "<pool> [<type>/]<volume> <key>", "Remove one key of a volume", 3, 3, unset));
  return command;
}

}  // namespace cella::cli
