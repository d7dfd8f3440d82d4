#include "cli/device.h"

#include <utility>

#include "api/instance.h"
#include "api/profile.h"

namespace cella::cli {
namespace {

using Verb = std::function<Result<int>(Server&, const Arguments&)>;

struct Owner {
  ObjectKind kind;
  Names devices;
};

Result<std::string> owner_url(const Owner& owner, const Arguments& arguments) {
  return url({owner.kind.collection, TRY(required_name(arguments.word(0), owner.kind.noun))});
}

Result<api::ConfigMap*> device_of(api::DeviceMap& devices, const std::string& name, std::string_view noun) {
  const auto found = devices.find(name);
  if (found == devices.end()) {
    return Error(ErrorKind::kNotFound, "Device \"" + name + "\" doesn't exist on the " + std::string(noun));
  }
  return &found->second;
}

Result<api::ConfigMap> device_from(std::span<const std::string> words) {
  api::ConfigMap device;
  for (auto& [key, value] : TRY(key_values(words))) device[key] = value;
  return device;
}

template <typename Put>
Verb add(const Owner& owner) {
  return [owner](Server& server, const Arguments& arguments) -> Result<int> {
    const std::string name = arguments.word(1);
    api::ConfigMap device = TRY(device_from(std::span(arguments.words).subspan(3)));
    device["type"] = arguments.word(2);
    TRY(update<Put>(server, TRY(owner_url(owner, arguments)), [&](Put& put) -> Result<void> {
      if (!put.devices.emplace(name, device).second) return Error(ErrorKind::kExists, "The device already exists");
      return kOk;
    }));
    say(server, "Device " + name + " added to " + TRY(local_name(arguments.word(0))));
    return 0;
  };
}

template <typename Put>
Verb get(const Owner& owner) {
  return [owner](Server& server, const Arguments& arguments) -> Result<int> {
    Put put = TRY(server.get<Put>(TRY(owner_url(owner, arguments))));
    const api::ConfigMap* device = TRY(device_of(put.devices, arguments.word(1), owner.kind.noun));
    const auto found = device->find(arguments.word(2));
    std::printf("%s\n", found == device->end() ? "" : found->second.c_str());
    return 0;
  };
}

template <typename Put>
Verb set(const Owner& owner) {
  return [owner](Server& server, const Arguments& arguments) -> Result<int> {
    const auto pairs = TRY(key_values_or_pair(std::span(arguments.words).subspan(2)));
    TRY(update<Put>(server, TRY(owner_url(owner, arguments)), [&](Put& put) -> Result<void> {
      api::ConfigMap* device = TRY(device_of(put.devices, arguments.word(1), owner.kind.noun));
      for (const auto& [key, value] : pairs) (*device)[key] = value;
      return kOk;
    }));
    return 0;
  };
}

template <typename Put>
Verb unset(const Owner& owner) {
  return [owner](Server& server, const Arguments& arguments) -> Result<int> {
    TRY(update<Put>(server, TRY(owner_url(owner, arguments)), [&](Put& put) -> Result<void> {
      api::ConfigMap* device = TRY(device_of(put.devices, arguments.word(1), owner.kind.noun));
      device->erase(arguments.word(2));
      return kOk;
    }));
    return 0;
  };
}

template <typename Put>
Verb list(const Owner& owner) {
  return [owner](Server& server, const Arguments& arguments) -> Result<int> {
    const Put put = TRY(server.get<Put>(TRY(owner_url(owner, arguments))));
    for (const auto& [name, device] : put.devices) std::printf("%s\n", name.c_str());
    return 0;
  };
}

template <typename Put>
Verb show(const Owner& owner) {
  return [owner](Server& server, const Arguments& arguments) -> Result<int> {
    const Put put = TRY(server.get<Put>(TRY(owner_url(owner, arguments))));
    const std::string devices = api::member_text(api::encode(put), "devices");
    std::fputs(TRY(yaml_of_json(devices.empty() ? "{}" : devices)).c_str(), stdout);
    return 0;
  };
}

template <typename Put>
Verb remove(const Owner& owner) {
  return [owner](Server& server, const Arguments& arguments) -> Result<int> {
    TRY(update<Put>(server, TRY(owner_url(owner, arguments)), [&](Put& put) -> Result<void> {
      for (const std::string& name : std::span(arguments.words).subspan(1)) {
        TRY(device_of(put.devices, name, owner.kind.noun));
        put.devices.erase(name);
      }
      return kOk;
    }));
    for (const std::string& name : std::span(arguments.words).subspan(1)) {
      say(server, "Device " + name + " removed from " + TRY(local_name(arguments.word(0))));
    }
    return 0;
  };
}

Result<int> override_device(Server& server, const Arguments& arguments) {
  const std::string instance = TRY(required_name(arguments.word(0), "instance"));
  const std::string name = arguments.word(1);
  const api::ConfigMap changes = TRY(device_from(std::span(arguments.words).subspan(2)));
  const std::string target = url({"instances", instance});
  const auto full = TRY(server.get<api::Instance>(target));
  if (full.devices.contains(name)) return Error(ErrorKind::kExists, "The device already exists");
  const auto inherited = full.expanded_devices.find(name);
  if (inherited == full.expanded_devices.end()) {
    return Error(ErrorKind::kNotFound, "The profile device \"" + name + "\" doesn't exist");
  }
  api::ConfigMap device = inherited->second;
  for (const auto& [key, value] : changes) device[key] = value;
  TRY(update<api::InstancePut>(server, target, [&](api::InstancePut& put) -> Result<void> {
    put.devices[name] = device;
    return kOk;
  }));
  say(server, "Device " + name + " overridden for " + instance);
  return 0;
}

Command verb(std::string_view name, std::string_view usage, std::string_view summary, std::size_t min, std::size_t max,
             std::vector<Names> completes, Verb run) {
  return {.name = name,
          .usage = usage,
          .summary = summary,
          .min_words = min,
          .max_words = max,
          .completes = std::move(completes),
          .run = std::move(run)};
}

struct Usages {
  std::string_view add, get, set, unset, list, remove;
};

template <typename Put>
Command device_command(const Owner& owner, const Usages& usages) {
  const Names name = owner.kind.completes;
  const Names device = owner.devices;
  Command command{.name = "device", .summary = "Manage devices"};
  command.children.push_back(verb("add", usages.add, "Add a device", 3, kAnyNumber, {name}, add<Put>(owner)));
  command.children.back().examples =
      "cella config device add c1 share disk source=/srv/share path=/opt\n"
      "    Show the host's /srv/share as /opt inside.\n"
      "cella config device add c1 eth1 nic network=cellabr0\n"
      "    A second network card on the managed bridge.";
  command.children.push_back(
      verb("get", usages.get, "Show one key of a device", 3, 3, {name, device}, get<Put>(owner)));
  command.children.push_back(verb("list", usages.list, "List device names", 1, 1, {name}, list<Put>(owner)));
  command.children.back().aliases = {"ls"};
  command.children.push_back(
      verb("remove", usages.remove, "Remove devices", 2, kAnyNumber, {name, device}, remove<Put>(owner)));
  command.children.back().aliases = {"rm"};
  command.children.push_back(
      verb("set", usages.set, "Set keys of a device", 3, kAnyNumber, {name, device}, set<Put>(owner)));
  command.children.push_back(verb("show", usages.list, "Show every device", 1, 1, {name}, show<Put>(owner)));
  command.children.push_back(
      verb("unset", usages.unset, "Remove one key of a device", 3, 3, {name, device}, unset<Put>(owner)));
  return command;
}

}  // namespace

Command instance_device_command() {
  const Owner owner{.kind = {.noun = "instance", .collection = "instances", .word = {}, .completes = Names::kInstance},
                    .devices = Names::kInstanceDevice};
  Command command = device_command<api::InstancePut>(owner, {.add = "<instance> <device> <type> [key=value...]",
                                                             .get = "<instance> <device> <key>",
                                                             .set = "<instance> <device> <key>=<value>...",
                                                             .unset = "<instance> <device> <key>",
                                                             .list = "<instance>",
                                                             .remove = "<instance> <device>..."});
  command.children.push_back(verb("override", "<instance> <device> [key=value...]",
                                  "Copy a device of a profile to the instance and change it there", 2, kAnyNumber,
                                  {Names::kInstance}, override_device));
  return command;
}

Command profile_device_command() {
  const Owner owner{.kind = {.noun = "profile", .collection = "profiles", .word = {}, .completes = Names::kProfile},
                    .devices = Names::kProfileDevice};
  return device_command<api::ProfilePut>(owner, {.add = "<profile> <device> <type> [key=value...]",
                                                 .get = "<profile> <device> <key>",
                                                 .set = "<profile> <device> <key>=<value>...",
                                                 .unset = "<profile> <device> <key>",
                                                 .list = "<profile>",
                                                 .remove = "<profile> <device>..."});
}

}  // namespace cella::cli
