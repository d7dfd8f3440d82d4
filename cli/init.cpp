// init and launch: create an instance from an image, and start it.
#include <cstdio>

#include "api/image.h"
#include "api/instance.h"
#include "api/network.h"
#include "cli/attach.h"
#include "cli/commands.h"
#include "cli/image_offer.h"
#include "cli/migrate.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

constexpr std::int64_t kWithoutEnd = -1;

// What may come as YAML on standard input; flags override it.
Result<api::InstancePut> document_from_input() {
  const std::string yaml = TRY(piped_input());
  if (yaml.find_first_not_of(" \t\r\n") == std::string::npos) return api::InstancePut{};
  return api::decode<api::InstancePut>(TRY((put_of_yaml<api::Instance, api::InstancePut>(yaml))));
}

// An alias, else a fingerprint or a prefix of one.
Result<std::string> find_image(Server& server, const std::string& name) {
  auto alias = server.get<api::Alias>(url({"images", "aliases", name}));
  if (alias.ok()) return alias->target;
  if (alias.error().kind() != ErrorKind::kNotFound) return alias.error();
  auto image = server.get<api::Image>(url({"images", name}));
  if (image.ok()) return image->fingerprint;
  if (image.error().kind() != ErrorKind::kNotFound) return image.error();
  return Error(ErrorKind::kNotFound, "Image \"" + name + "\" not found");
}

// -n NETWORK: one network card on it, in the place of the profiles' eth0.
Result<void> add_network(Server& server, const std::string& name, api::DeviceMap& devices) {
  const auto network =
      TRY_CONTEXT("Failed loading network \"" + name + "\"", server.get<api::Network>(url({"networks", name})));
  api::ConfigMap device{{"type", "nic"}, {"name", "eth0"}};
  if (network.managed) {
    device["network"] = name;
  } else {
    device["nictype"] = network.type == "bridge" ? "bridged" : "macvlan";
    device["parent"] = name;
  }
  devices["eth0"] = device;
  return kOk;
}

// The devices the profiles of the request would give.
Result<api::DeviceMap> inherited_devices(Server& server, const api::InstanceCreate& request) {
  api::DeviceMap devices;
  for (const std::string& name : request.profiles.value_or(std::vector<std::string>{"default"})) {
    const auto profile = TRY(server.get<api::Profile>(url({"profiles", name})));
    for (const auto& [device, config] : profile.devices) devices[device] = config;
  }
  return devices;
}

// -d NAME,key=value[,…]: a key of a device the profiles give (it is copied first), or of a new one.
Result<void> apply_device_flags(Server& server, const Arguments& arguments, api::InstanceCreate& request) {
  if (!arguments.has("device")) return kOk;
  const api::DeviceMap inherited = TRY(inherited_devices(server, request));
  for (const std::string& text : arguments.all("device")) {
    const std::vector<std::string> parts = split_names(text);
    const std::size_t equals = parts.size() < 2 ? std::string::npos : parts[1].find('=');
    if (equals == std::string::npos || parts[0].find('=') != std::string::npos) {
      return invalid_value("--device", text, "write DEVICE,key=value");
    }
    if (!request.devices.contains(parts[0])) {
      const auto found = inherited.find(parts[0]);
      request.devices[parts[0]] = found == inherited.end() ? api::ConfigMap{} : found->second;
    }
    for (const auto& [key, value] : TRY(key_values(std::span(parts).subspan(1))))
      request.devices[parts[0]][key] = value;
  }
  return kOk;
}

Result<void> apply_storage_flag(Server& server, const Arguments& arguments, api::InstanceCreate& request) {
  if (!arguments.has("storage")) return kOk;
  const std::string pool = arguments.text("storage");
  TRY_CONTEXT("Failed loading storage pool \"" + pool + "\"", server.call("GET", url({"storage-pools", pool})));
  for (auto& [name, device] : request.devices) {
    if (device["type"] == "disk" && device["path"] == "/") {
      device["pool"] = pool;
      return kOk;
    }
  }
  for (const auto& [name, device] : TRY(inherited_devices(server, request))) {
    if (!device.contains("path") || device.at("path") != "/") continue;
    request.devices[name] = device;
    request.devices[name]["pool"] = pool;
    return kOk;
  }
  request.devices["root"] = {{"type", "disk"}, {"path", "/"}, {"pool", pool}};
  return kOk;
}

Result<void> apply_profile_flags(const Arguments& arguments, const api::InstancePut& document,
                                 api::InstanceCreate& request) {
  if (arguments.on("no-profiles")) {
    if (arguments.has("profile")) return Error(ErrorKind::kInvalid, "Give --profile or --no-profiles, not both");
    request.profiles = std::vector<std::string>{};
  } else if (arguments.has("profile")) {
    request.profiles = arguments.all("profile");
  } else if (!document.profiles.empty()) {
    request.profiles = document.profiles;
  }
  return kOk;
}

Result<api::InstanceCreate> request_of(Server& server, const Arguments& arguments, const RemoteName& image,
                                       const std::string& name) {
  const bool empty = arguments.on("empty");
  if (arguments.on("vm")) return Error(ErrorKind::kUnsupported, "--vm: cella runs containers, not virtual machines");
  if (arguments.words.empty() && !empty) return Error(ErrorKind::kInvalid, "Missing image name");
  if (arguments.words.size() == 2 && empty) {
    return Error(ErrorKind::kInvalid, "--empty cannot be combined with an image name");
  }
  const api::InstancePut document = TRY(document_from_input());
  api::InstanceCreate request{.architecture = document.architecture,
                              .config = document.config,
                              .devices = document.devices,
                              .ephemeral = document.ephemeral || arguments.on("ephemeral"),
                              .description = document.description,
                              .type = "container"};
  request.name = name;
  request.instance_type = arguments.text("type");
  for (const auto& [key, value] : TRY(key_values(arguments.all("config")))) request.config[key] = value;
  TRY(apply_profile_flags(arguments, document, request));
  if (arguments.has("network")) TRY(add_network(server, arguments.text("network"), request.devices));
  TRY(apply_device_flags(server, arguments, request));
  TRY(apply_storage_flag(server, arguments, request));
  request.source.type = empty ? "none" : "image";
  if (!empty && image.remote == TRY(server.remote_name())) {
    request.source.fingerprint = TRY(find_image(server, image.name));
  }
  return request;
}

// The last part of the first URL the operation lists under "instances" (or "containers").
std::string created_name(const api::Operation& operation, const std::string& otherwise) {
  for (const char* kind : {"instances", "containers"}) {
    const auto found = operation.resources.find(kind);
    if (found == operation.resources.end() || found->second.empty()) continue;
    const std::string& resource = found->second.front();
    return last_name(resource);
  }
  return otherwise;
}

void hint_about_network(Server& server, const std::string& name) {
  const auto instance = server.get<api::Instance>(url({"instances", name}));
  if (!instance.ok()) return;
  for (const auto& [device, config] : instance->expanded_devices) {
    if (config.contains("type") && config.at("type") == "nic") return;
  }
  std::fputs(
      "\nThe instance you are starting doesn't have any network attached to it.\n"
      "  To create a new network, use: cella network create\n"
      "  To attach a network to an instance, use: cella network attach\n\n",
      stderr);
}

// Lets the server fetch the image from the image's remote.
Result<api::Operation> create_fetched(Server& server, const RemoteName& image, api::InstanceCreate request,
                                      const std::string& label) {
  Server source(server.globals());
  const ImageOffer offer = TRY(image_offer(source, image.remote, image.name));
  request.source.mode = offer.source.mode;
  request.source.protocol = offer.source.protocol;
  request.source.certificate = offer.source.certificate;
  request.source.alias = offer.source.alias;
  request.source.fingerprint = offer.source.fingerprint;
  request.source.secret = offer.source.secret;
  Result<api::Operation> made = Error(ErrorKind::kNotFound, "the remote \"" + image.remote + "\" has no address");
  for (const std::string& address : offer.servers) {
    request.source.server = address;
    made = server.change("POST", "/1.0/instances", api::encode(request), {}, label);
    if (made.ok() || made.error().kind() == ErrorKind::kCancelled) break;
  }
  return made;
}

Result<std::string> create(Server& server, const Arguments& arguments) {
  const bool empty = arguments.on("empty") && arguments.words.size() == 1;
  const RemoteName image = TRY(remote_name_of(server, arguments.word(0)));
  const RemoteName named = TRY(remote_name_of(server, arguments.word(empty ? 0 : 1)));
  if (!arguments.on("empty") && image.name.empty()) return Error(ErrorKind::kInvalid, "Missing image name");
  TRY(server.use_remote(named.remote));
  const api::InstanceCreate request = TRY(request_of(server, arguments, image, named.name));
  say(server, request.name.empty() ? std::string("Creating the instance") : "Creating " + request.name);
  const bool from_elsewhere = !arguments.on("empty") && image.remote != named.remote;
  const std::string label = "Creating " + request.name;
  const api::Operation done = from_elsewhere
                                  ? TRY(create_fetched(server, image, request, label))
                                  : TRY(server.change("POST", "/1.0/instances", api::encode(request), {}, label));
  const std::string name = created_name(done, request.name);
  if (request.name.empty()) say(server, "Instance name is: " + name);
  if (!server.globals().quiet) hint_about_network(server, name);
  return name;
}

Result<int> init(Server& server, const Arguments& arguments) {
  TRY(create(server, arguments));
  return 0;
}

Result<int> launch(Server& server, const Arguments& arguments) {
  const std::string name = TRY(create(server, arguments));
  say(server, "Starting " + name);
  const api::InstanceStatePut put{.action = "start", .timeout = kWithoutEnd, .force = false, .stateful = false};
  auto started = server.change("PUT", url({"instances", name, "state"}), api::encode(put), {}, "Starting " + name);
  if (!started.ok()) {
    return Error(started.error().kind(),
                 started.error().message() + "\nTry `cella info --show-log local:" + name + "` for more info");
  }
  return arguments.has("console") ? attach_console(server, name) : Result<int>(0);
}

std::vector<Flag> create_flags() {
  return {
      {.letter = 'c', .name = "config", .value = "key=value", .help = "Config key of the new instance (repeatable)"},
      {.letter = 'd', .name = "device", .value = "device,key=value", .help = "Key of a device (repeatable)"},
      {.name = "empty", .help = "Create an instance without an image"},
      {.letter = 'e', .name = "ephemeral", .help = "Delete the instance when it stops"},
      {.letter = 'n', .name = "network", .value = "network", .help = "Network of its first card"},
      {.name = "no-profiles", .help = "Apply no profile"},
      {.letter = 'p', .name = "profile", .value = "profile", .help = "Profile to apply (repeatable, in order)"},
      {.letter = 's', .name = "storage", .value = "pool", .help = "Storage pool of its root disk"},
      {.letter = 't', .name = "type", .value = "type", .help = "Instance type, for example c2-m4"},
      {.name = "vm", .help = "Refused: cella runs containers"}};
}

Command create_command(std::string_view name, std::string_view summary, std::vector<Flag> flags) {
  return {.name = name,
          .usage = "[<remote>:]<image> [<remote>:][<name>]",
          .summary = summary,
          .details = "Its configuration may come as YAML on standard input; flags override it.",
          .flags = std::move(flags),
          .min_words = 1,
          .max_words = 2,
          .waives_words = "empty",
          .completes = {Names::kImage, Names::kNothing},
          .own_remotes = true};
}

}  // namespace

Command init_command() {
  Command command = create_command("init", "Create an instance from an image", create_flags());
  command.examples =
      "cella init debian/12 c1\ncella init debian/12 c1 < config.yaml\n    With configuration from a file.";
  command.run = init;
  return command;
}

Command launch_command() {
  std::vector<Flag> flags = create_flags();
  flags.insert(flags.begin() + 1,
               {.name = "console", .value = "console", .help = "Attach to the console at once", .bare = "console"});
  Command command = create_command("launch", "Create and start an instance from an image", std::move(flags));
  command.examples =
      "cella launch debian/12 c1\n"
      "cella launch debian/12 c1 -c limits.memory=512MiB -d root,size=4GiB\n"
      "cella launch debian/12 c1 < config.yaml\n    With configuration from a file.";
  command.run = launch;
  return command;
}

}  // namespace cella::cli
