// Networks: create, update, remove, rename.
#include <algorithm>

#include "base/files.h"
#include "base/rollback.h"
#include "manager/network_bridge.h"
#include "manager/networks.h"
#include "manager/networks_parts.h"
#include "netlink/dump.h"

namespace cella::manager {
namespace {

using netlink::IpFamily;

Error no_network(const std::string& name) { return Error(ErrorKind::kNotFound, "network \"" + name + "\" not found"); }

bool kernel_has_ipv6() { return path_exists("/proc/sys/net/ipv6"); }

Result<void> check_type(const std::string& type) {
  if (type.empty() || type == "bridge") return kOk;
  return invalid_value("type", type, "only bridge networks are supported");
}

// For a first check of every other key, before subnets are chosen.
Config without_auto(Config config) {
  std::erase_if(config, [](const auto& entry) {
    return (entry.first == "ipv4.address" || entry.first == "ipv6.address") && entry.second == "auto";
  });
  // Ranges are judged once the subnet is known.
  config.erase("ipv4.dhcp.ranges");
  config.erase("ipv6.dhcp.ranges");
  return config;
}

}  // namespace

Result<std::vector<UsedSubnet>> Networks::Parts::used_subnets(const std::string& except) {
  auto used = TRY(subnets_in_use(route, except));
  for (const auto& [name, network] : networks) {
    if (name == except) continue;
    for (const BridgeFamily* family : {&network.settings.v4, &network.settings.v6}) {
      if (family->address) used.push_back({*family->address, "network " + name});
    }
  }
  // Networks first: the clearer words for a bridge that is both.
  std::stable_partition(used.begin(), used.end(), [](const UsedSubnet& one) { return one.owner.starts_with("network"); });
  return used;
}

Result<Config> Networks::Parts::fill_config(const Config& given, const std::string& name, bool creating) {
  Config config;
  for (const auto& [key, value] : given) {
    if (!value.empty() || key.starts_with("user.")) config[key] = value;
  }
  for (const auto& [prefix, family] : {std::pair{"ipv4.", IpFamily::kV4}, std::pair{"ipv6.", IpFamily::kV6}}) {
    const std::string key = std::string(prefix) + "address";
    if (creating) config.try_emplace(key, "auto");
    const auto found = config.find(key);
    if (found == config.end() || found->second != "auto") continue;
    if (family == IpFamily::kV6 && !kernel_has_ipv6()) {
      found->second = "none";
      continue;
    }
    found->second = netlink::format(TRY(choose_subnet(family, TRY(used_subnets(name)), system_random())));
    config.try_emplace(std::string(prefix) + "nat", "true");
  }
  return config;
}

Result<void> Networks::Parts::check_subnets(const BridgeSettings& settings, const std::string& name) {
  const auto used = TRY(used_subnets(name));
  if (settings.v4.address) TRY(check_subnet_free("ipv4.address", *settings.v4.address, used));
  if (settings.v6.address) TRY(check_subnet_free("ipv6.address", *settings.v6.address, used));
  for (const auto& route_to : settings.v4.routes) TRY(check_subnet_free("ipv4.routes", route_to, used));
  for (const auto& route_to : settings.v6.routes) TRY(check_subnet_free("ipv6.routes", route_to, used));
  return kOk;
}

Result<void> Networks::create(const NetworkConfig& given) {
  TRY(check_type(given.type));
  TRY(check_link_name("name", given.name));
  const std::lock_guard lock(parts_->mutex);
  if (parts_->find(given.name) != nullptr) {
    return Error(ErrorKind::kExists, "network \"" + given.name + "\" already exists");
  }
  if (netlink::find_link(parts_->route, given.name).ok()) {
    return Error(ErrorKind::kExists, "network \"" + given.name + "\": an interface of that name exists");
  }
  NetworkRecord record{.name = given.name, .description = given.description, .hwaddr = random_mac()};
  TRY(parse_bridge_settings(without_auto(given.config)));
  record.config = TRY(parts_->fill_config(given.config, given.name, true));
  auto settings = TRY(parse_bridge_settings(record.config));
  TRY(parts_->check_subnets(settings, given.name));

  TRY(insert_network(parts_->database, record));
  auto network = parts_->make_network(record, std::move(settings));
  Rollback rollback;  // after what its steps use
  rollback.add([&] { (void)delete_network(parts_->database, record.id); });
  rollback.add([&] { (void)parts_->take_down(network); });
  TRY(parts_->bring_up(network));
  rollback.commit();
  parts_->networks.emplace(given.name, std::move(network));
  return kOk;
}

Result<void> Networks::update(const NetworkConfig& given) {
  const std::lock_guard lock(parts_->mutex);
  auto* network = parts_->find(given.name);
  if (network == nullptr) return no_network(given.name);
  NetworkRecord record = network->record;
  record.description = given.description;
  TRY(parse_bridge_settings(without_auto(given.config)));
  record.config = TRY(parts_->fill_config(given.config, given.name, false));
  auto settings = TRY(parse_bridge_settings(record.config));
  TRY(parts_->check_subnets(settings, given.name));

  auto changed = parts_->make_network(record, std::move(settings));
  Rollback rollback;
  rollback.add([&] { (void)parts_->bring_up(*network); });
  TRY(parts_->bring_up(changed));
  TRY(update_network(parts_->database, record));
  rollback.commit();
  *network = std::move(changed);
  return kOk;
}

Result<void> Networks::remove(const std::string& name) {
  const auto users = parts_->users_of(name);
  const std::lock_guard lock(parts_->mutex);
  auto* network = parts_->find(name);
  if (network == nullptr) return no_network(name);
  if (!users.empty()) return Error(ErrorKind::kInvalid, "The network is currently in use");
  TRY(parts_->take_down(*network));
  const std::int64_t id = network->record.id;
  TRY(delete_network(parts_->database, id));
  parts_->networks.erase(name);
  std::erase_if(parts_->nics, [&](const auto& entry) { return entry.second.network_id == id; });
  if (parts_->networks.empty()) TRY(parts_->host_settings.restore());
  return kOk;
}

Result<void> Networks::rename(const std::string& name, const std::string& new_name) {
  TRY(check_link_name("name", new_name));
  const auto users = parts_->users_of(name);
  const std::lock_guard lock(parts_->mutex);
  auto* network = parts_->find(name);
  if (network == nullptr) return no_network(name);
  if (!users.empty()) return Error(ErrorKind::kInvalid, "The network is currently in use");
  if (parts_->find(new_name) != nullptr || netlink::find_link(parts_->route, new_name).ok()) {
    return Error(ErrorKind::kExists, "network \"" + new_name + "\" already exists");
  }
  NetworkRecord record = network->record;
  record.name = new_name;
  auto renamed = parts_->make_network(record, network->settings);
  Rollback rollback;
  rollback.add([&] { (void)parts_->bring_up(*network); });
  TRY(parts_->take_down(*network));
  rollback.add([&] { (void)parts_->take_down(renamed); });
  TRY(parts_->bring_up(renamed));
  TRY(update_network(parts_->database, record));
  rollback.commit();
  parts_->networks.erase(name);
  parts_->networks.emplace(new_name, std::move(renamed));
  return kOk;
}

}  // namespace cella::manager
