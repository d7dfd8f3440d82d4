// config show, get, set, unset, edit, device: an instance's configuration, or the server's when no instance is named.
#include "api/instance.h"
#include "api/server.h"
#include "cli/commands.h"
#include "cli/config_verbs.h"
#include "cli/device.h"
#include "cli/object.h"
#include "cli/trust.h"
#include "cli/snapshot_name.h"

namespace cella::cli {
namespace {

constexpr std::string_view kInstanceComment =
    "### This is the instance's configuration as YAML. Lines that start with \"#\" are ignored.\n"
    "### Keys below volatile.* belong to the daemon.";
constexpr std::string_view kServerComment =
    "### This is the server's configuration as YAML. Lines that start with \"#\" are ignored.";

// An instance is named by a first word that is no key: "key" and "key=value" alone are the server's.
struct Target {
  std::string path = "/1.0";
  bool instance = false;
};

Result<Target> target_of(const std::string& word) {
  const std::string name = TRY(local_name(word));
  if (name.empty()) return Target{};
  return Target{.path = url({"instances", name}), .instance = true};
}

// The configuration as a user may write it, with the expanded one in its place when asked for.
Result<std::string> shown_instance(const api::Instance& instance, bool expanded) {
  const api::InstancePut put{.architecture = instance.architecture,
                             .config = expanded ? instance.expanded_config : instance.config,
                             .devices = expanded ? instance.expanded_devices : instance.devices,
                             .ephemeral = instance.ephemeral,
                             .profiles = instance.profiles,
                             .stateful = instance.stateful,
                             .description = instance.description};
  return api::encode(put);
}

Result<int> show_snapshot(Server& server, const SnapshotName& name, const Arguments& arguments) {
  auto snapshot = TRY(server.get<api::Snapshot>(snapshot_url(name)));
  if (arguments.on("expanded")) {
    snapshot.config = snapshot.expanded_config;
    snapshot.devices = snapshot.expanded_devices;
  }
  std::fputs(TRY(yaml_of_json(api::encode(snapshot))).c_str(), stdout);
  return 0;
}

Result<int> show(Server& server, const Arguments& arguments) {
  const std::string named = TRY(local_name(arguments.word(0)));
  if (named.find('/') != std::string::npos) return show_snapshot(server, TRY(snapshot_name(named)), arguments);
  const Target target = TRY(target_of(arguments.word(0)));
  std::string json;
  if (target.instance) {
    json = TRY(shown_instance(TRY(server.get<api::Instance>(target.path)), arguments.on("expanded")));
  } else {
    json = api::encode(TRY(server.get<api::ServerPut>(target.path)));
  }
  std::fputs(TRY(yaml_of_json(json)).c_str(), stdout);
  return 0;
}

Result<int> get(Server& server, const Arguments& arguments) {
  const bool named = arguments.words.size() == 2;
  const Target target = TRY(target_of(named ? arguments.word(0) : std::string()));
  const std::string key = arguments.words.back();
  api::ConfigMap config;
  if (target.instance) {
    const auto instance = TRY(server.get<api::Instance>(target.path));
    config = arguments.on("expanded") ? instance.expanded_config : instance.config;
  } else {
    config = TRY(server.get<api::ServerPut>(target.path)).config;
  }
  const auto found = config.find(key);
  std::printf("%s\n", found == config.end() ? "" : found->second.c_str());
  return 0;
}

template <typename Put>
Result<void> set_keys(Server& server, const std::string& path, const std::vector<KeyValue>& pairs) {
  TRY(update<Put>(server, path, [&](Put& put) -> Result<void> {
    for (const auto& [key, value] : pairs) put.config[key] = value;
    return kOk;
  }));
  return kOk;
}

// "c1 key=value…", "c1 key value", and for the server "key=value…" and "key value".
Result<int> set(Server& server, const Arguments& arguments) {
  const std::span<const std::string> words(arguments.words);
  const bool first_is_pair = words[0].find('=') != std::string::npos;
  const bool server_pair = words.size() == 2 && !first_is_pair && words[1].find('=') == std::string::npos &&
                           words[0].find('.') != std::string::npos;
  if (first_is_pair || server_pair) {
    TRY(set_keys<api::ServerPut>(server, "/1.0", TRY(key_values_or_pair(words))));
    return 0;
  }
  const Target target = TRY(target_of(words[0]));
  if (words.size() < 2) return Error(ErrorKind::kInvalid, "Name a key and its value: <key>=<value>");
  const auto pairs = TRY(key_values_or_pair(words.subspan(1)));
  if (target.instance) {
    TRY(set_keys<api::InstancePut>(server, target.path, pairs));
  } else {
    TRY(set_keys<api::ServerPut>(server, target.path, pairs));
  }
  return 0;
}

Result<int> unset(Server& server, const Arguments& arguments) {
  const bool named = arguments.words.size() == 2;
  const Target target = TRY(target_of(named ? arguments.word(0) : std::string()));
  const std::string key = arguments.words.back();
  if (target.instance) {
    TRY(update<api::InstancePut>(server, target.path,
                                 [&](api::InstancePut& put) { return remove_key(put.config, key); }));
  } else {
    TRY(update<api::ServerPut>(server, target.path, [&](api::ServerPut& put) { return remove_key(put.config, key); }));
  }
  return 0;
}

Result<int> edit(Server& server, const Arguments& arguments) {
  const Target target = TRY(target_of(arguments.word(0)));
  std::string etag;
  if (target.instance) {
    const auto instance = TRY(server.get<api::Instance>(target.path, &etag));
    const std::string shown = TRY(shown_instance(instance, false));
    TRY((edit_object<api::Instance, api::InstancePut>(server, target.path, kInstanceComment, shown, etag)));
    return 0;
  }
  const std::string shown = api::encode(TRY(server.get<api::ServerPut>(target.path, &etag)));
  TRY((edit_object<api::ServerPut, api::ServerPut>(server, target.path, kServerComment, shown, etag)));
  return 0;
}

}  // namespace

Command config_command() {
  const Flag expanded{.letter = 'e', .name = "expanded", .help = "With what the profiles give"};
  Command command{.name = "config", .summary = "Manage the configuration of instances and of the server"};
  command.children = {
      instance_device_command(),
      {.name = "edit",
       .usage = "[<instance>]",
       .summary = "Edit the configuration as YAML",
       .details = "Opens it in $EDITOR. When standard input is no terminal, reads the YAML from it.",
       .examples = "cella config edit c1 < c1.yaml",
       .max_words = 1,
       .completes = {Names::kInstance},
       .run = edit},
      {.name = "get",
       .usage = "[<instance>] <key>",
       .summary = "Show one key",
       .flags = {expanded},
       .min_words = 1,
       .max_words = 2,
       .completes = {Names::kInstance, Names::kConfigKey},
       .run = get},
      instance_metadata_command(),
      {.name = "set",
       .usage = "[<instance>] <key>=<value>...",
       .summary = "Set keys",
       .details = "A value of \"-\" is read from standard input. The old form with one KEY VALUE works too.",
       .examples = "cella config set c1 limits.memory=512MiB limits.cpu=2",
       .min_words = 1,
       .max_words = kAnyNumber,
       .completes = {Names::kInstance, Names::kConfigKey},
       .run = set},
      {.name = "show",
       .usage = "[<instance>]",
       .summary = "Show the configuration",
       .flags = {expanded},
       .max_words = 1,
       .completes = {Names::kInstance},
       .run = show},
      instance_template_command(),
      {.name = "unset",
       .usage = "[<instance>] <key>",
       .summary = "Remove one key",
       .min_words = 1,
       .max_words = 2,
       .completes = {Names::kInstance, Names::kConfigKey},
       .run = unset}};
  command.children.push_back(config_trust_command());
  return command;
}

}  // namespace cella::cli
