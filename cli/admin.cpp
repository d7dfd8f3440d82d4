// admin init: pool, bridge and default profile of a host.
#include <cstdio>
#include <iostream>

#include "base/units.h"
#include "cli/admin_commands.h"
#include "cli/commands.h"
#include "cli/init_questions.h"
#include "cli/object.h"
#include "cli/preseed.h"

namespace cella::cli {
namespace {

// "20" is gigabytes, as the flag has always meant; "20GiB" is what it says.
Result<std::string> loop_size(const std::string& text) {
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) return text + "GiB";
  TRY(parse_size("--storage-create-loop", text));
  return text;
}

Result<InitChoices> choices_of(const Arguments& arguments) {
  InitChoices choices;
  choices.driver = arguments.text("storage-backend", kDefaultDriver);
  choices.pool = arguments.text("storage-pool", kDefaultPool);
  if (choices.driver != "overlay" && choices.driver != "btrfs" && choices.driver != "dir") {
    return invalid_value("--storage-backend", choices.driver, "use overlay, btrfs or dir");
  }
  if (arguments.has("storage-create-loop") && arguments.has("storage-create-device")) {
    return Error(ErrorKind::kInvalid, "Give --storage-create-loop or --storage-create-device, not both");
  }
  const bool sized = arguments.has("storage-create-loop") || arguments.has("storage-create-device");
  if (sized && choices.driver != "btrfs") {
    return Error(ErrorKind::kInvalid, "--storage-create-loop and --storage-create-device need --storage-backend btrfs");
  }
  if (arguments.has("storage-create-loop")) choices.pool_size = TRY(loop_size(arguments.text("storage-create-loop")));
  choices.pool_source = arguments.text("storage-create-device");
  return choices;
}

// What is there already is kept: a pool of any driver, a managed network, devices of the default profile.
Result<Preseed> missing_part(Server& server, const InitChoices& choices, const Arguments& arguments) {
  Preseed wanted = preseed_of(choices);
  const Preseed present = TRY(read_preseed(server));
  const bool pool_asked_for = arguments.has("storage-backend") || arguments.has("storage-pool");
  if (!present.pools.empty() && !pool_asked_for) wanted.pools.clear();
  const bool other_bridge = !present.networks.empty();
  if (other_bridge) wanted.networks.clear();
  for (auto& profile : wanted.profiles) {
    for (const auto& existing : present.profiles) {
      if (existing.name != profile.name) continue;
      for (const auto& [name, device] : existing.devices) profile.devices.erase(name);
    }
    if (const auto root = profile.devices.find("root"); root != profile.devices.end() && wanted.pools.empty()) {
      root->second["pool"] = present.pools.front().name;
    }
    if (const auto eth0 = profile.devices.find("eth0"); eth0 != profile.devices.end() && other_bridge) {
      eth0->second["network"] = present.networks.front().name;
    }
  }
  return wanted;
}

Result<int> preseed(Server& server) {
  const std::string yaml = TRY(piped_input());
  if (yaml.empty()) return Error(ErrorKind::kInvalid, "--preseed expects YAML on standard input");
  TRY(apply_preseed(server, TRY(parse_preseed(yaml))));
  return 0;
}

Result<int> converse(Server& server) {
  const InitChoices choices = TRY(ask_choices(std::cin, std::cout));
  const Preseed wanted = preseed_of(choices);
  if (TRY(ask_yes_no(std::cin, std::cout, "Would you like a YAML \"admin init\" preseed to be printed?", false))) {
    std::cout << "\n" << TRY(format_preseed(wanted)) << std::flush;
  }
  TRY(apply_preseed(server, wanted));
  return 0;
}

Result<int> init(Server& server, const Arguments& arguments) {
  int modes = 0;
  for (const char* mode : {"auto", "minimal", "preseed", "dump"}) modes += arguments.on(mode) ? 1 : 0;
  if (modes > 1) return Error(ErrorKind::kInvalid, "Give only one of --auto, --minimal, --preseed and --dump");
  if (arguments.on("dump")) {
    std::fputs(TRY(format_preseed(TRY(read_preseed(server)))).c_str(), stdout);
    return 0;
  }
  if (arguments.on("preseed")) return preseed(server);
  const bool storage_flags = arguments.has("storage-backend") || arguments.has("storage-pool") ||
                             arguments.has("storage-create-loop") || arguments.has("storage-create-device");
  if (!arguments.on("auto") && storage_flags) {
    return Error(ErrorKind::kInvalid, "The --storage flags belong to --auto");
  }
  if (modes == 0) return converse(server);
  TRY(apply_preseed(server, TRY(missing_part(server, TRY(choices_of(arguments)), arguments))));
  return 0;
}

Command init_host_command() {
  return {
      .name = "init",
      .summary = "Make this machine ready for instances",
      .details =
          "Makes a storage pool, a bridge with NAT and DHCP, and a default profile that uses both. Without flags it\n"
          "asks. What exists already is kept, so it can be run again.",
      .examples =
          "cella admin init --auto\n"
          "cella admin init --auto --storage-backend btrfs --storage-create-loop 20\n"
          "cella admin init --dump > host.yaml\n"
          "cella admin init --preseed < host.yaml",
      .flags = {{.name = "auto", .help = "Ask nothing"},
                {.name = "dump", .help = "Print the present set-up as YAML"},
                {.name = "minimal", .help = "The smallest usable set-up, ask nothing"},
                {.name = "preseed", .help = "Read the wanted set-up as YAML from standard input"},
                {.name = "storage-backend", .value = "driver", .help = "overlay, btrfs or dir", .fallback = "overlay"},
                {.name = "storage-create-device", .value = "device", .help = "btrfs: make the pool on a block device"},
                {.name = "storage-create-loop",
                 .value = "size",
                 .help = "btrfs: make the pool in a file of that size (GiB, or with a unit)"},
                {.name = "storage-pool", .value = "name", .help = "Name of the pool", .fallback = "default"}},
      .run = init};
}

}  // namespace

Command admin_command() {
  Command command{.name = "admin", .summary = "Set up this machine's server"};
  command.children = {import_lxd_command(), init_host_command(), recover_command()};
  return command;
}

}  // namespace cella::cli
