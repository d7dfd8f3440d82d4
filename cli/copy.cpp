// copy: an instance, or a snapshot of one, becomes a new instance on this server.
#include "api/instance.h"
#include "cli/commands.h"
#include "cli/object.h"
#include "cli/snapshot_name.h"

namespace cella::cli {
namespace {

struct Source {
  api::ConfigMap config;
  api::DeviceMap devices;
  api::DeviceMap expanded_devices;
  std::vector<std::string> profiles;
  bool ephemeral = false;
};

template <typename T>
Source source_of(const T& object) {
  return {object.config, object.devices, object.expanded_devices, object.profiles, object.ephemeral};
}

Result<Source> load_source(Server& server, const SnapshotName& name) {
  if (!name.snapshot.empty()) return source_of(TRY(server.get<api::Snapshot>(snapshot_url(name))));
  return source_of(TRY(server.get<api::Instance>(snapshot_url(name))));
}

Result<void> apply_devices(const Arguments& arguments, const Source& source, api::InstanceCreate& request) {
  for (const std::string& text : arguments.all("device")) {
    const std::vector<std::string> parts = split_names(text);
    if (parts.size() < 2 || parts[1].find('=') == std::string::npos || parts[0].find('=') != std::string::npos) {
      return invalid_value("--device", text, "write DEVICE,key=value");
    }
    const auto inherited = source.expanded_devices.find(parts[0]);
    if (inherited != source.expanded_devices.end()) request.devices.try_emplace(parts[0], inherited->second);
    for (const auto& [key, value] : TRY(key_values(std::span(parts).subspan(1))))
      request.devices[parts[0]][key] = value;
  }
  if (!arguments.has("storage")) return kOk;
  for (const auto& [name, device] : source.expanded_devices) {
    const auto path = device.find("path");
    if (path == device.end() || path->second != "/") continue;
    request.devices.try_emplace(name, device);
    request.devices[name]["pool"] = arguments.text("storage");
    return kOk;
  }
  request.devices["root"] = {{"type", "disk"}, {"path", "/"}, {"pool", arguments.text("storage")}};
  return kOk;
}

Result<int> run(Server& server, const Arguments& arguments) {
  const SnapshotName from = TRY(snapshot_name(arguments.word(0)));
  const Source source = TRY(load_source(server, from));
  api::InstanceCreate request;
  request.name = TRY(local_name(arguments.word(1)));
  request.type = "container";
  request.ephemeral = arguments.on("ephemeral") || source.ephemeral;
  request.config = source.config;
  std::erase_if(request.config, [](const auto& entry) { return entry.first.starts_with("volatile."); });
  for (const auto& [key, value] : TRY(key_values(arguments.all("config")))) request.config[key] = value;
  request.devices = source.devices;
  TRY(apply_devices(arguments, source, request));
  request.profiles = source.profiles;
  if (arguments.has("profile")) request.profiles = arguments.all("profile");
  if (arguments.on("no-profiles")) request.profiles = std::vector<std::string>{};
  request.source.type = "copy";
  request.source.source = from.snapshot.empty() ? from.instance : from.instance + "/" + from.snapshot;
  request.source.instance_only = arguments.on("instance-only");
  request.source.container_only = request.source.instance_only;
  request.source.refresh = arguments.on("refresh");
  const auto done = TRY(server.change("POST", "/1.0/instances", api::encode(request), {}, "Copying " + from.instance));
  const auto made = done.resources.find("instances");
  if (request.name.empty() && made != done.resources.end() && !made->second.empty()) {
    say(server, "Instance name is: " + made->second.front().substr(made->second.front().rfind('/') + 1));
  }
  return 0;
}

}  // namespace

Command copy_command() {
  return {
      .name = "copy",
      .aliases = {"cp"},
      .usage = "<instance>[/<snapshot>] [<new-name>]",
      .summary = "Copy an instance or a snapshot to a new instance on this server",
      .details =
          "The copy gets its own addresses and identity; snapshots come along unless --instance-only is given.\n"
          "A running instance is held still while its files are copied.",
      .flags = {{.letter = 'c', .name = "config", .value = "key=value", .help = "Config key of the copy (repeatable)"},
                {.letter = 'd', .name = "device", .value = "device,key=value", .help = "Key of a device (repeatable)"},
                {.letter = 'e', .name = "ephemeral", .help = "Delete the copy when it stops"},
                {.name = "instance-only", .help = "Leave the snapshots out"},
                {.name = "no-profiles", .help = "Apply no profile to the copy"},
                {.letter = 'p', .name = "profile", .value = "profile", .help = "Profile to apply (repeatable)"},
                {.name = "refresh", .help = "Bring an existing copy up to date"},
                {.name = "stateless", .help = "Copy a running instance without its memory (always so)"},
                {.letter = 's', .name = "storage", .value = "pool", .help = "Storage pool of the copy's root disk"}},
      .min_words = 1,
      .max_words = 2,
      .completes = {Names::kInstance, Names::kNothing},
      .run = run};
}

}  // namespace cella::cli
