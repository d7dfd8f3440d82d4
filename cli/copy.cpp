// copy: an instance, or a snapshot of one, becomes a new instance here or on another server.
#include "api/instance.h"
#include "base/status_code.h"
#include "cli/commands.h"
#include "cli/migrate.h"
#include "cli/object.h"
#include "cli/snapshot_name.h"

namespace cella::cli {
namespace {

struct Source {
  std::string architecture;
  std::string description;
  bool running = false;
  api::ConfigMap config;
  api::DeviceMap devices;
  api::DeviceMap expanded_devices;
  std::vector<std::string> profiles;
  bool ephemeral = false;
};

template <typename T>
Source source_of(const T& object) {
  Source source{.architecture = object.architecture, .config = object.config, .devices = object.devices,
                .expanded_devices = object.expanded_devices, .profiles = object.profiles,
                .ephemeral = object.ephemeral};
  if constexpr (requires { object.status_code; }) {
    source.description = object.description;
    source.running = object.status_code == static_cast<int>(StatusCode::kRunning);
  }
  return source;
}

Result<Source> load_source(Server& server, const SnapshotName& name) {
  if (!name.snapshot.empty()) return source_of(TRY(server.get<api::Snapshot>(snapshot_url(name))));
  return source_of(TRY(server.get<api::Instance>(snapshot_url(name))));
}

// Where the copy is made: in another project of the same server with --target-project.
std::string create_url(const Arguments& arguments) {
  if (!arguments.has("target-project")) return "/1.0/instances";
  return "/1.0/instances?project=" + api::percent_encode(arguments.text("target-project"));
}

// What the flags make of the source, but for where it is copied from.
Result<api::InstanceCreate> request_of(const Arguments& arguments, const Source& source, const std::string& name) {
  api::InstanceCreate request;
  request.name = name;
  request.type = "container";
  request.architecture = source.architecture;
  request.description = source.description;
  request.ephemeral = arguments.on("ephemeral") || source.ephemeral;
  request.config = source.config;
  std::erase_if(request.config, [](const auto& entry) { return entry.first.starts_with("volatile."); });
  for (const auto& [key, value] : TRY(key_values(arguments.all("config")))) request.config[key] = value;
  request.devices = source.devices;
  TRY(apply_device_flags(arguments, source.expanded_devices, request.devices));
  request.profiles = source.profiles;
  if (arguments.has("profile")) request.profiles = arguments.all("profile");
  if (arguments.on("no-profiles")) request.profiles = std::vector<std::string>{};
  const auto base = source.config.find("volatile.base_image");
  if (base != source.config.end()) request.source.base_image = base->second;
  return request;
}

// After a refresh: the copy's configuration becomes the source's, but for what is its own: volatile keys, and the pool its
// root disk is in.
Result<void> take_over_configuration(Server& server, const api::InstanceCreate& request) {
  std::string etag;
  const std::string target = url({"instances", request.name});
  const auto copy = TRY(server.get<api::Instance>(target, &etag));
  api::InstancePut put{.architecture = copy.architecture, .config = request.config, .devices = request.devices,
                       .ephemeral = request.ephemeral,    .description = request.description};
  put.profiles = request.profiles.value_or(std::vector<std::string>{});
  for (const auto& [key, value] : copy.config) {
    if (key.starts_with("volatile.")) put.config[key] = value;
  }
  for (const auto& [name, device] : copy.expanded_devices) {
    const auto path = device.find("path");
    if (path != device.end() && path->second == "/" && put.devices.contains(name) && device.contains("pool"))
      put.devices[name]["pool"] = device.at("pool");
  }
  TRY(server.change("PUT", target, api::encode(put), etag, "Updating " + request.name));
  return kOk;
}

Result<int> copy_here(Server& server, const Arguments& arguments, const SnapshotName& from,
                      api::InstanceCreate request) {
  request.source.type = "copy";
  request.source.source = from.snapshot.empty() ? from.instance : from.instance + "/" + from.snapshot;
  request.source.instance_only = arguments.on("instance-only");
  request.source.container_only = request.source.instance_only;
  request.source.refresh = arguments.on("refresh");
  request.source.allow_inconsistent = arguments.on("allow-inconsistent");
  request.source.project = TRY(server.project());
  const auto done = TRY(server.change("POST", create_url(arguments), api::encode(request), {}, "Copying " + from.instance));
  if (arguments.on("refresh") && !arguments.has("target-project")) TRY(take_over_configuration(server, request));
  const auto made = done.resources.find("instances");
  if (request.name.empty() && made != done.resources.end() && !made->second.empty()) {
    say(server, "Instance name is: " + last_name(made->second.front()));
  }
  return 0;
}

Result<int> run(Server& server, const Arguments& arguments) {
  const RemoteName source_name = TRY(remote_name_of(server, arguments.word(0)));
  const RemoteName target_name = TRY(remote_name_of(server, arguments.word(1)));
  const MigrationMode mode = TRY(migration_mode(arguments));
  TRY(server.use_remote(source_name.remote));
  const SnapshotName from = TRY(snapshot_name(source_name.name));
  const Source source = TRY(load_source(server, from));
  api::InstanceCreate request = TRY(request_of(arguments, source, target_name.name));
  if (source_name.remote == target_name.remote) return copy_here(server, arguments, from, std::move(request));
  if (request.name.empty()) request.name = from.snapshot.empty() ? from.instance : from.snapshot;
  Globals globals = server.globals();
  if (arguments.has("target-project")) globals.project = arguments.text("target-project");
  Server target(globals);
  TRY(target.use_remote(target_name.remote));
  Migration migration{.from = from, .create = std::move(request), .mode = mode};
  migration.live = source.running && !arguments.on("stateless") && !arguments.on("refresh");
  migration.instance_only = arguments.on("instance-only");
  migration.refresh = arguments.on("refresh");
  TRY(migrate(server, target, migration));
  if (migration.refresh) TRY(take_over_configuration(target, migration.create));
  return 0;
}

}  // namespace

Command copy_command() {
  return {
      .name = "copy",
      .aliases = {"cp"},
      .usage = "[<remote>:]<instance>[/<snapshot>] [<remote>:][<new-name>]",
      .summary = "Copy an instance or a snapshot to a new instance, here or on another server",
      .details =
          "The copy gets its own addresses and identity; snapshots come along unless --instance-only is given.\n"
          "A running instance is held still while its files are copied; to another server it goes with --stateless.\n"
          "The target server fetches it (pull), the source sends it (push), or this client passes it on (relay).",
      .examples = "cella copy web web2\ncella copy web box: --mode relay\ncella copy web box:web --refresh",
      .flags = {{.name = "allow-inconsistent", .help = "Go on when files change meanwhile (always so)"},
                {.letter = 'c', .name = "config", .value = "key=value", .help = "Config key of the copy (repeatable)"},
                {.letter = 'd', .name = "device", .value = "device,key=value", .help = "Key of a device (repeatable)"},
                {.letter = 'e', .name = "ephemeral", .help = "Delete the copy when it stops"},
                {.name = "instance-only", .help = "Leave the snapshots out"},
                {.name = "mode", .value = "mode", .help = "pull, push or relay", .fallback = "pull"},
                {.name = "no-profiles", .help = "Apply no profile to the copy"},
                {.letter = 'p', .name = "profile", .value = "profile", .help = "Profile to apply (repeatable)"},
                {.name = "refresh", .help = "Bring an existing copy up to date"},
                {.name = "stateless", .help = "Copy a running instance without its memory (always so)"},
                {.letter = 's', .name = "storage", .value = "pool", .help = "Storage pool of the copy's root disk"},
                {.name = "target-project", .value = "project", .help = "Project of the copy"}},
      .min_words = 1,
      .max_words = 2,
      .completes = {Names::kInstance, Names::kNothing},
      .run = run,
      .own_remotes = true};
}

}  // namespace cella::cli
