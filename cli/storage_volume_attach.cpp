// storage volume attach, attach-profile, detach, detach-profile: disk devices with a custom volume.
#include "api/instance.h"
#include "api/profile.h"
#include "cli/storage_volume.h"

namespace cella::cli {
namespace {

bool holds(const api::ConfigMap& device, const std::string& pool, const std::string& volume) {
  const auto value = [&](const char* key) {
    const auto found = device.find(key);
    return found == device.end() ? std::string() : found->second;
  };
  return value("type") == "disk" && value("pool") == pool && value("source") == volume;
}

// The device to detach: the one named, else the only one with the volume.
Result<std::string> device_to_detach(const api::DeviceMap& devices, const std::string& pool,
                                     const std::string& volume, const std::string& wanted) {
  std::string found = wanted;
  for (const auto& [name, device] : devices) {
    if (!wanted.empty() || !holds(device, pool, volume)) continue;
    if (!found.empty()) return Error(ErrorKind::kInvalid, "More than one device matches, specify the device name");
    found = name;
  }
  if (found.empty()) return Error(ErrorKind::kNotFound, "No device found for this storage volume");
  if (!devices.contains(found)) return Error(ErrorKind::kNotFound, "The specified device doesn't exist");
  return found;
}

// words: pool, volume, owner, [device, [path]]; a fourth word alone is the path.
template <typename Put>
Result<int> attach(Server& server, const Arguments& arguments, std::string_view collection, std::string_view noun) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  const std::string owner = TRY(required_name(arguments.word(2), noun));
  std::string device = volume.name;
  std::string path = arguments.word(3);
  if (arguments.words.size() > 4) {
    device = arguments.word(3);
    path = arguments.word(4);
  }
  api::ConfigMap disk{{"type", "disk"}, {"pool", pool}, {"source", volume.name}};
  if (!path.empty()) disk["path"] = path;
  TRY(update<Put>(server, url({collection, owner}), [&](Put& put) -> Result<void> {
    if (put.devices.emplace(device, disk).second) return kOk;
    return Error(ErrorKind::kExists, "Device already exists: " + device);
  }));
  return 0;
}

template <typename Put>
Result<int> detach(Server& server, const Arguments& arguments, std::string_view collection, std::string_view noun) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  const std::string owner = TRY(required_name(arguments.word(2), noun));
  TRY(update<Put>(server, url({collection, owner}), [&](Put& put) -> Result<void> {
    put.devices.erase(TRY(device_to_detach(put.devices, pool, volume.name, arguments.word(3))));
    return kOk;
  }));
  return 0;
}

Command disk_command(std::string_view name, std::string_view usage, std::string_view summary, std::size_t max_words,
                     Names owner, std::function<Result<int>(Server&, const Arguments&)> run) {
  return {.name = name,
          .usage = usage,
          .summary = summary,
          .min_words = 3,
          .max_words = max_words,
          .completes = {Names::kPool, Names::kNothing, owner, Names::kNothing},
          .run = std::move(run)};
}

}  // namespace

std::vector<Command> volume_attach_commands() {
  return {disk_command("attach", "<pool> <volume> <instance> [<device name>] [<path>]",
                       "Give an instance a custom volume", 5, Names::kInstance,
                       [](Server& server, const Arguments& arguments) {
                         return attach<api::InstancePut>(server, arguments, "instances", "instance");
                       }),
          disk_command("attach-profile", "<pool> <volume> <profile> [<device name>] [<path>]",
                       "Give a profile a custom volume", 5, Names::kProfile,
                       [](Server& server, const Arguments& arguments) {
                         return attach<api::ProfilePut>(server, arguments, "profiles", "profile");
                       }),
          disk_command("detach", "<pool> <volume> <instance> [<device name>]",
                       "Take a custom volume away from an instance", 4, Names::kInstance,
                       [](Server& server, const Arguments& arguments) {
                         return detach<api::InstancePut>(server, arguments, "instances", "instance");
                       }),
          disk_command("detach-profile", "<pool> <volume> <profile> [<device name>]",
                       "Take a custom volume away from a profile", 4, Names::kProfile,
                       [](Server& server, const Arguments& arguments) {
                         return detach<api::ProfilePut>(server, arguments, "profiles", "profile");
                       })};
}

}  // namespace cella::cli
