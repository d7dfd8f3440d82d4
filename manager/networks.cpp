#include "manager/networks.h"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

#include "base/files.h"
#include "manager/firewall.h"
#include "manager/leases.h"
#include "manager/names.h"
#include "manager/network_bridge.h"
#include "manager/network_states.h"
#include "manager/networks_parts.h"
#include "netlink/dump.h"

namespace cella::manager {
namespace {

Network describe(const ManagedNetwork& network) {
  return {.name = network.record.name,
          .description = network.record.description,
          .type = "bridge",
          .managed = true,
          .status = network.index != 0 ? "Created" : "Errored",
          .config = network.record.config};
}

Network describe(const netlink::Link& link) { return {.name = link.name, .type = unmanaged_type(link)}; }

Error no_network(const std::string& name) { return Error(ErrorKind::kNotFound, "network \"" + name + "\" not found"); }

}  // namespace

Networks::Parts::Parts(Database& records, NetworksOptions given, netlink::Socket route_socket, netlink::Socket nft_socket)
    : database(records),
      options(std::move(given)),
      route(std::move(route_socket)),
      nft(std::move(nft_socket)),
      host_settings(options.state_dir + "/networks/.host-settings"),
      dnsmasq_watch([this](const std::string& name) { revive_dnsmasq(name); }) {}

ManagedNetwork Networks::Parts::make_network(NetworkRecord record, BridgeSettings settings) const {
  Dnsmasq dnsmasq(directory_of(record.name), options.host_mounts.get());
  return {std::move(record), std::move(settings), std::move(dnsmasq)};
}

ManagedNetwork* Networks::Parts::find(const std::string& name) {
  const auto found = networks.find(name);
  return found == networks.end() ? nullptr : &found->second;
}

std::vector<std::string> Networks::Parts::users_of(const std::string& name) const {
  return options.used_by ? options.used_by(name) : std::vector<std::string>{};
}

Result<void> Networks::Parts::bring_up(ManagedNetwork& network) {
  network.index = 0;
  const std::string& name = network.record.name;
  const auto mac = TRY(netlink::parse_mac("hwaddr", network.record.hwaddr));
  const auto index = TRY(bring_up_bridge(route, name, network.settings, mac));
  for (const BridgeFamily* family : {&network.settings.v4, &network.settings.v6}) {
    if (!family->address || !family->routing) continue;
    TRY(host_settings.enable_forwarding(route, family->address->address.family));
  }
  TRY(apply_network_firewall(nft, name, network.settings));
  TRY(write_hosts(network));
  if (needs_dnsmasq(network.settings)) {
    TRY(start_dnsmasq(network));
  } else {
    TRY(network.dnsmasq.stop());
  }
  network.index = index;
  return kOk;
}

Result<void> Networks::Parts::start_dnsmasq(ManagedNetwork& network) {
  const std::string& name = network.record.name;
  TRY_CONTEXT("network " + name, network.dnsmasq.start(name, network.settings));
  dnsmasq_watch.watch(name, TRY(network.dnsmasq.process()));
  return kOk;
}

void Networks::Parts::revive_dnsmasq(const std::string& name) {
  constexpr std::size_t kMost = 5;
  constexpr auto kWithin = std::chrono::minutes(1);
  const std::lock_guard lock(mutex);
  ManagedNetwork* network = find(name);
  if (network == nullptr || network->index == 0 || !needs_dnsmasq(network->settings)) return;
  if (!network->dnsmasq.running()) {
    const auto now = std::chrono::steady_clock::now();
    auto& revivals = network->revivals;
    while (!revivals.empty() && revivals.front() + kWithin < now) revivals.pop_front();
    if (revivals.size() == kMost) return;
    revivals.push_back(now);
  }
  static_cast<void>(start_dnsmasq(*network));
}

Result<void> Networks::Parts::take_down(ManagedNetwork& network) {
  const std::string& name = network.record.name;
  network.index = 0;
  TRY(network.dnsmasq.stop());
  TRY(remove_network_firewall(nft, name));
  TRY(remove_bridge(route, name));
  const auto directory = open_dir(options.state_dir + "/networks");
  if (directory.ok()) TRY(remove_tree_at(*directory, name));
  return kOk;
}

Result<void> Networks::Parts::write_hosts(ManagedNetwork& network) {
  std::vector<std::string> keys;
  for (const auto& [key, nic] : nics) {
    if (nic.network_id != network.record.id) continue;
    const auto host = dnsmasq_host(nic);
    if (!host) continue;
    keys.push_back(host_key(nic));
    TRY(network.dnsmasq.put_host(keys.back(), *host, network.settings));
  }
  return network.dnsmasq.retain_hosts(keys);
}

Result<std::unique_ptr<Networks>> Networks::open(Database& database, NetworksOptions options) {
  auto route = TRY(netlink::Socket::open(NETLINK_ROUTE));
  auto nft = TRY(netlink::Socket::open(NETLINK_NETFILTER));
  TRY(make_dirs(options.state_dir + "/networks", 0711));
  for (const std::string& path : {options.state_dir, options.state_dir + "/networks"}) {
    // 0711 is what the state directory is made with; one that was there before may be closed to dnsmasq.
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return errno_error(errno, "stat " + path);
    const mode_t searchable = (status.st_mode & 07777) | S_IXGRP | S_IXOTH;
    if (::chmod(path.c_str(), searchable) != 0) return errno_error(errno, "chmod " + path);
  }
  auto parts = std::make_unique<Parts>(database, std::move(options), std::move(route), std::move(nft));
  for (NetworkRecord& record : TRY(read_networks(database))) {
    auto settings = TRY_CONTEXT("network " + record.name, parse_bridge_settings(record.config));
    const std::string name = record.name;
    parts->networks.emplace(name, parts->make_network(std::move(record), std::move(settings)));
  }
  for (NicRecord& nic : TRY(read_nics(database))) {
    NicKey key{nic.network_id, nic.instance, nic.device};
    parts->nics.emplace(std::move(key), std::move(nic));
  }
  return std::unique_ptr<Networks>(new Networks(std::move(parts)));
}

Networks::Networks(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Networks::~Networks() = default;

std::map<std::string, Error> Networks::start_all() {
  std::map<std::string, Error> errors;
  std::vector<std::string> live;
  if (parts_->options.live_host_names) live = parts_->options.live_host_names();
  const std::lock_guard lock(parts_->mutex);
  for (auto& [name, network] : parts_->networks) {
    auto up = parts_->bring_up(network);
    if (!up.ok()) errors.emplace(name, std::move(up).error());
  }
  if (parts_->options.live_host_names) {
    // A link that exists may belong to another daemon of this namespace: its rules stay.
    if (const auto links = netlink::list_links(parts_->route); links.ok()) {
      for (const auto& link : *links) live.push_back(link.name);
      auto retained = retain_nic_filters(parts_->nft, live);
      if (!retained.ok()) errors.emplace("NIC filters", std::move(retained).error());
    }
  }
  return errors;
}

Result<std::vector<Network>> Networks::list() {
  std::vector<Network> list;
  std::vector<netlink::Link> links;
  {
    const std::lock_guard lock(parts_->mutex);
    for (const auto& [name, network] : parts_->networks) list.push_back(describe(network));
    links = TRY(netlink::list_links(parts_->route));
  }
  const std::size_t managed = list.size();
  for (const auto& link : links) {
    if (link.name.starts_with("veth")) continue;
    const bool known = std::any_of(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(managed),
                                   [&](const Network& network) { return network.name == link.name; });
    if (!known) list.push_back(describe(link));
  }
  for (Network& network : list) network.used_by = parts_->users_of(network.name);
  return list;
}

Result<Network> Networks::get(const std::string& name) {
  std::optional<Network> network;
  {
    const std::lock_guard lock(parts_->mutex);
    if (const auto* managed = parts_->find(name)) {
      network = describe(*managed);
    } else {
      const auto link = netlink::find_link(parts_->route, name);
      if (!link.ok()) return link.error().kind() == ErrorKind::kNotFound ? no_network(name) : link.error();
      network = describe(*link);
    }
  }
  network->used_by = parts_->users_of(name);
  return *std::move(network);
}

Result<NetworkDetails> Networks::state(const std::string& name) {
  const std::lock_guard lock(parts_->mutex);
  const auto links = TRY(netlink::list_links(parts_->route));
  const auto addresses = TRY(netlink::list_addresses(parts_->route));
  const auto found = std::find_if(links.begin(), links.end(), [&](const auto& link) { return link.name == name; });
  if (found == links.end()) return no_network(name);
  NetworkDetails details{.interface = describe_link(*found, addresses)};
  if (found->bridge) {
    details.bridge = NetworkDetails::Bridge{found->bridge->id, found->bridge->stp, found->bridge->forward_delay_cs,
                                            found->bridge->vlan_default, found->bridge->vlan_filtering};
    for (const auto& link : links) {
      if (link.master == found->index) details.bridge->upper_devices.push_back(link.name);
    }
  }
  return details;
}

Result<std::vector<Lease>> Networks::leases(const std::string& name) {
  const std::lock_guard lock(parts_->mutex);
  auto* network = parts_->find(name);
  if (network == nullptr) return no_network(name);
  std::vector<Lease> leases;
  for (const BridgeFamily* family : {&network->settings.v4, &network->settings.v6}) {
    if (family->address) leases.push_back({name + ".gw", "", netlink::format(family->address->address), "gateway"});
  }
  std::set<std::string> known;
  for (const auto& [key, nic] : parts_->nics) {
    if (nic.network_id != network->record.id) continue;
    for (const auto& [address, fixed] : {std::pair{&nic.ipv4, nic.ipv4_fixed}, std::pair{&nic.ipv6, nic.ipv6_fixed}}) {
      if (address->empty()) continue;
      leases.push_back({short_name(nic.instance), nic.mac, *address, fixed ? "static" : "dynamic", nic.instance});
      known.insert(*address);
    }
  }
  const auto text = read_file(network->dnsmasq.paths().leases());
  if (!text.ok()) return leases;
  for (const DhcpLease& lease : parse_leases(*text)) {
    if (!known.contains(lease.address)) leases.push_back({lease.hostname, lease.mac, lease.address, "dynamic"});
  }
  return leases;
}

}  // namespace cella::manager
