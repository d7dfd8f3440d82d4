#include "cli/init_questions.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <istream>
#include <ostream>
#include <vector>

#include "base/units.h"

namespace cella::cli {
namespace {

// Errors of a check are shown and the question is asked again.
using Check = std::function<Result<void>(const std::string&)>;

Result<std::string> ask(std::istream& in, std::ostream& out, const std::string& question, const std::string& otherwise,
                        const Check& check) {
  while (true) {
    out << question << " [default=" << otherwise << "]: " << std::flush;
    std::string answer;
    if (!std::getline(in, answer)) {
      return Error(ErrorKind::kCancelled, "The input ended before every question was answered; nothing was changed");
    }
    if (answer.empty()) answer = otherwise;
    const Result<void> valid = check(answer);
    if (valid.ok()) return answer;
    out << "Invalid input: " << valid.error().message() << "\n\n";
  }
}

Check one_of(std::vector<std::string> values) {
  return [values = std::move(values)](const std::string& answer) -> Result<void> {
    if (std::find(values.begin(), values.end(), answer) != values.end()) return kOk;
    return Error(ErrorKind::kInvalid, "\"" + answer + "\" is not one of the choices");
  };
}

Result<void> check_name(const std::string& answer) {
  const bool plain = std::all_of(answer.begin(), answer.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (plain && !answer.empty()) return kOk;
  return Error(ErrorKind::kInvalid, "\"" + answer + "\": use letters, digits, '-', '_' and '.'");
}

Result<void> check_size(const std::string& answer) {
  if (parse_size("size", answer).ok()) return kOk;
  return Error(ErrorKind::kInvalid, "\"" + answer + "\" is no size, for example 20GiB");
}

Result<void> check_address(const std::string& answer) {
  if (answer == "auto" || answer == "none" || answer.find('/') != std::string::npos) return kOk;
  return Error(ErrorKind::kInvalid, "\"" + answer + "\": write ADDRESS/BITS, auto or none");
}

Result<void> ask_pool(std::istream& in, std::ostream& out, InitChoices& choices) {
  choices.make_pool = TRY(ask_yes_no(in, out, "Do you want to configure a new storage pool?", true));
  if (!choices.make_pool) return kOk;
  choices.pool = TRY(ask(in, out, "Name of the new storage pool", choices.pool, check_name));
  choices.driver = TRY(ask(in, out, "Name of the storage backend to use (overlay, btrfs, dir)", choices.driver,
                           one_of({"overlay", "btrfs", "dir"})));
  if (choices.driver == "btrfs") {
    choices.pool_size = TRY(ask(in, out, "Size of the pool's loop file", "20GiB", check_size));
  }
  return kOk;
}

Result<void> ask_bridge(std::istream& in, std::ostream& out, InitChoices& choices) {
  choices.make_bridge = TRY(ask_yes_no(in, out, "Would you like to create a new local network bridge?", true));
  if (!choices.make_bridge) return kOk;
  choices.bridge = TRY(ask(in, out, "What should the new bridge be called?", choices.bridge, check_name));
  choices.ipv4 = TRY(ask(in, out, "What IPv4 address should be used? (CIDR subnet notation, \"auto\" or \"none\")",
                         choices.ipv4, check_address));
  choices.ipv6 = TRY(ask(in, out, "What IPv6 address should be used? (CIDR subnet notation, \"auto\" or \"none\")",
                         choices.ipv6, check_address));
  return kOk;
}

void add_address(api::ConfigMap& config, const std::string& family, const std::string& address) {
  config[family + ".address"] = address;
  if (address != "none" && address != "auto") config[family + ".nat"] = "true";
}

}  // namespace

Result<bool> ask_yes_no(std::istream& in, std::ostream& out, const std::string& question, bool otherwise) {
  const std::string answer =
      TRY(ask(in, out, question + " (yes/no)", otherwise ? "yes" : "no", one_of({"yes", "no", "y", "n"})));
  return answer.starts_with('y');
}

Result<InitChoices> ask_choices(std::istream& in, std::ostream& out) {
  InitChoices choices;
  TRY(ask_pool(in, out, choices));
  TRY(ask_bridge(in, out, choices));
  return choices;
}

Preseed preseed_of(const InitChoices& choices) {
  Preseed preseed;
  api::ProfileCreate profile{.config = {}, .description = {}, .devices = {}, .name = "default"};
  if (choices.make_pool) {
    api::StoragePoolCreate pool{.config = {}, .description = {}, .name = choices.pool, .driver = choices.driver};
    if (!choices.pool_size.empty()) pool.config["size"] = choices.pool_size;
    if (!choices.pool_source.empty()) pool.config["source"] = choices.pool_source;
    preseed.pools.push_back(std::move(pool));
    profile.devices["root"] = {{"type", "disk"}, {"path", "/"}, {"pool", choices.pool}};
  }
  if (choices.make_bridge) {
    api::NetworkCreate network{.config = {}, .description = {}, .name = choices.bridge, .type = "bridge"};
    add_address(network.config, "ipv4", choices.ipv4);
    add_address(network.config, "ipv6", choices.ipv6);
    preseed.networks.push_back(std::move(network));
    profile.devices["eth0"] = {{"type", "nic"}, {"name", "eth0"}, {"network", choices.bridge}};
  }
  if (!profile.devices.empty()) preseed.profiles.push_back(std::move(profile));
  return preseed;
}

}  // namespace cella::cli
