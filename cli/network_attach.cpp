#include "cli/network_attach.h"

#include "api/instance.h"
#include "api/network.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

// A card on a managed network names the network; on another one the parent interface.
Result<api::ConfigMap> card_on(Server& server, const std::string& network_name, const std::string& interface) {
  const auto network = TRY(server.get<api::Network>(url({"networks", network_name})));
  api::ConfigMap device{{"type", "nic"}};
  if (network.managed) {
    device["network"] = network.name;
  } else {
    device["nictype"] = network.type == "bridge" ? "bridged" : "macvlan";
    device["parent"] = network.name;
  }
  if (!interface.empty()) device["name"] = interface;
  return device;
}

bool is_on(const api::ConfigMap& device, const std::string& network) {
  const auto value = [&](const char* key) {
    const auto found = device.find(key);
    return found == device.end() ? std::string() : found->second;
  };
  return value("type") == "nic" && (value("network") == network || value("parent") == network);
}

// The device to detach: the one named, else the only one on the network.
Result<std::string> card_to_detach(const api::DeviceMap& devices, const std::string& network,
                                   const std::string& wanted) {
  std::string found = wanted;
  for (const auto& [name, device] : devices) {
    if (!wanted.empty() || !is_on(device, network)) continue;
    if (!found.empty()) {
      return Error(ErrorKind::kInvalid, "More than one device matches, specify the device name");
    }
    found = name;
  }
  if (found.empty()) return Error(ErrorKind::kNotFound, "No device found for this network");
  const auto device = devices.find(found);
  if (device == devices.end()) return Error(ErrorKind::kNotFound, "The specified device doesn't exist");
  if (!is_on(device->second, network)) {
    return Error(ErrorKind::kInvalid, "The specified device doesn't match the network");
  }
  return found;
}

// words: network, owner, [device, [interface]].
template <typename Put>
Result<int> attach(Server& server, const Arguments& arguments, std::string_view collection, std::string_view noun) {
  const std::string network = TRY(required_name(arguments.word(0), "network"));
  const std::string owner = TRY(required_name(arguments.word(1), noun));
  const std::string device = arguments.words.size() > 2 ? arguments.word(2) : network;
  const std::string interface = arguments.words.size() > 3 ? arguments.word(3) : arguments.word(2);
  const api::ConfigMap card = TRY(card_on(server, network, interface));
  TRY(update<Put>(server, url({collection, owner}), [&](Put& put) -> Result<void> {
    if (put.devices.emplace(device, card).second) return kOk;
    return Error(ErrorKind::kExists, "Device already exists: " + device);
  }));
  return 0;
}

template <typename Put>
Result<int> detach(Server& server, const Arguments& arguments, std::string_view collection, std::string_view noun) {
  const std::string network = TRY(required_name(arguments.word(0), "network"));
  const std::string owner = TRY(required_name(arguments.word(1), noun));
  TRY(update<Put>(server, url({collection, owner}), [&](Put& put) -> Result<void> {
    put.devices.erase(TRY(card_to_detach(put.devices, network, arguments.word(2))));
    return kOk;
  }));
  return 0;
}

Command card_command(std::string_view name, std::string_view usage, std::string_view summary, std::size_t max_words,
                     Names owner, std::function<Result<int>(Server&, const Arguments&)> run) {
  return {.name = name,
          .usage = usage,
          .summary = summary,
          .min_words = 2,
          .max_words = max_words,
          .completes = {Names::kNetwork, owner, Names::kNothing},
          .run = std::move(run)};
}

}  // namespace

std::vector<Command> network_attach_commands() {
  return {card_command("attach", "<network> <instance> [<device name>] [<interface name>]",
                       "Give an instance a card on a network", 4, Names::kInstance,
                       [](Server& server, const Arguments& arguments) {
                         return attach<api::InstancePut>(server, arguments, "instances", "instance");
                       }),
          card_command("attach-profile", "<network> <profile> [<device name>] [<interface name>]",
                       "Give a profile a card on a network", 4, Names::kProfile,
                       [](Server& server, const Arguments& arguments) {
                         return attach<api::ProfilePut>(server, arguments, "profiles", "profile");
                       }),
          card_command("detach", "<network> <instance> [<device name>]", "Take an instance's card off a network", 3,
                       Names::kInstance,
                       [](Server& server, const Arguments& arguments) {
                         return detach<api::InstancePut>(server, arguments, "instances", "instance");
                       }),
          card_command("detach-profile", "<network> <profile> [<device name>]", "Take a profile's card off a network",
                       3, Names::kProfile, [](Server& server, const Arguments& arguments) {
                         return detach<api::ProfilePut>(server, arguments, "profiles", "profile");
                       })};
}

}  // namespace cella::cli
