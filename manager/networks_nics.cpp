// Networks: the NICs of instances.
#include <algorithm>
#include <cerrno>
#include <functional>

#include "base/files.h"
#include "manager/firewall.h"
#include "manager/leases.h"
#include "manager/names.h"
#include "manager/networks.h"
#include "manager/networks_parts.h"
#include "netlink/dump.h"
#include "netlink/routes.h"
#include "netlink/shaping.h"

namespace cella::manager {
namespace {

using netlink::IpAddress;
using netlink::IpFamily;
using netlink::IpPrefix;

constexpr std::uint32_t kFirstInnerIndex = 100;  // above what the kernel's fallback tunnels take in a fresh namespace

std::optional<IpAddress> address_of(const std::string& text) {
  const auto parsed = netlink::parse_ip("address", text);
  return parsed.ok() ? std::optional(*parsed) : std::nullopt;
}

// What others hold on this network, of one family.
struct Holders {
  std::map<IpAddress, std::string> by_address;  // → who

  std::set<IpAddress> taken() const {
    std::set<IpAddress> set;
    for (const auto& [address, owner] : by_address) set.insert(address);
    return set;
  }
};

// Still right: inside the subnet, and nobody else's.
bool fits(const std::string& text, const BridgeFamily& family, const Holders& others) {
  const auto address = address_of(text);
  return address && netlink::contains(*family.address, *address) && !others.by_address.contains(*address);
}

Result<std::string> fixed_address(const std::string& key, const IpAddress& wanted, const BridgeFamily& family,
                                  const Holders& others) {
  const std::string text = netlink::format(wanted);
  if (!family.address || !netlink::contains(*family.address, wanted)) {
    return invalid_value(key, text, family.address ? "is not in " + netlink::format(netlink::subnet_of(*family.address))
                                                   : "the network has no addresses of this family");
  }
  const auto owner = others.by_address.find(wanted);
  if (owner != others.by_address.end()) return invalid_value(key, text, "is already used by " + owner->second);
  return text;
}

Result<std::string> free_address(const BridgeFamily& family, const Holders& others, const std::string& seed,
                                 const std::string& network) {
  const auto address = choose_address(allocation_ranges(family), others.taken(), seed);
  if (!address) return Error(ErrorKind::kNoSpace, "network " + network + ": no free address left");
  return netlink::format(*address);
}

// The address that SLAAC would give, or one of the range where only DHCPv6 can.
Result<std::string> free_ipv6(const ManagedNetwork& network, const netlink::MacAddress& mac, const Holders& others,
                              const std::string& seed) {
  const BridgeFamily& v6 = network.settings.v6;
  const bool ranged = v6.dhcp && v6.stateful && (!v6.ranges.empty() || v6.address->length != 64);
  if (ranged) return free_address(v6, others, seed, network.record.name);
  if (v6.address->length != 64) return std::string();
  const IpAddress address = netlink::eui64(*v6.address, mac);
  const auto owner = others.by_address.find(address);
  if (owner != others.by_address.end()) {
    return invalid_value("hwaddr", netlink::format(mac), "is already used by " + owner->second + " on this network");
  }
  return netlink::format(address);
}

// True when what the NIC holds is what it would get: nothing has to be looked up then, however many NICs there are.
bool holds(const std::string& text, const NicAddress& asked, const BridgeFamily& family, bool expected) {
  if (asked.none || (!asked.address && !(family.address && expected))) return text.empty();
  const auto address = address_of(text);
  if (!address || !family.address || !netlink::contains(*family.address, *address)) return false;
  return *address != family.address->address && address != family.gateway && (!asked.address || *asked.address == *address);
}

bool is_current(const NicRecord& record, const NicSettings& settings, const BridgeSettings& bridge, const std::string& mac) {
  const BridgeFamily& v6 = bridge.v6;
  const bool v6_expected = v6.address && (v6.address->length == 64 || (v6.dhcp && v6.stateful));
  return record.mac == mac && record.ipv4_fixed == settings.v4.address.has_value() &&
         record.ipv6_fixed == settings.v6.address.has_value() && holds(record.ipv4, settings.v4, bridge.v4, bridge.v4.dhcp) &&
         holds(record.ipv6, settings.v6, v6, v6_expected);
}

struct AddressChoice {
  const NicAddress& asked;
  const BridgeFamily& family;
  const Holders& others;
  const char* key;
};

Result<std::string> choose(const AddressChoice& choice, const std::string& before,
                           const std::function<Result<std::string>()>& choose_free) {
  if (choice.asked.none) return std::string();
  if (choice.asked.address) return fixed_address(choice.key, *choice.asked.address, choice.family, choice.others);
  if (!choice.family.address) return std::string();
  if (!before.empty() && fits(before, choice.family, choice.others)) return before;
  return choose_free();
}

// mac: this NIC's; a lease of its own is not somebody else's.
Holders holders(const std::map<NicKey, NicRecord>& nics, const ManagedNetwork& network, const NicRequest& request,
                const std::string& mac, IpFamily number) {
  Holders others;
  const bool is_v4 = number == IpFamily::kV4;
  const BridgeFamily& family = is_v4 ? network.settings.v4 : network.settings.v6;
  if (family.address) others.by_address.emplace(family.address->address, "the bridge");
  if (family.gateway) others.by_address.emplace(*family.gateway, "ipv4.dhcp.gateway");
  for (const auto& [key, nic] : nics) {
    if (nic.network_id != network.record.id) continue;
    if (nic.instance == request.instance && nic.device == request.device) continue;
    if (const auto address = address_of(is_v4 ? nic.ipv4 : nic.ipv6)) {
      others.by_address.emplace(*address, "instance " + nic.instance);
    }
  }
  const auto text = read_file(network.dnsmasq.paths().leases());
  if (!text.ok()) return others;
  for (const DhcpLease& lease : parse_leases(*text)) {
    const auto address = address_of(lease.address);
    // Leases of IPv6 do not tell the MAC: theirs are told apart by the records above.
    if (!address || address->family != number || lease.mac.empty() || lease.mac == mac) continue;
    others.by_address.emplace(*address, "a DHCP client (" + lease.mac + ")");
  }
  return others;
}

}  // namespace

std::string host_key(const NicRecord& nic) {
  std::string key = nic.instance + "." + nic.device;
  for (char& c : key) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!plain) c = '_';
  }
  return key;
}

std::optional<DnsmasqHost> dnsmasq_host(const NicRecord& nic) {
  const auto mac = netlink::parse_mac("mac", nic.mac);
  if (!mac.ok() || (nic.ipv4.empty() && nic.ipv6.empty())) return std::nullopt;
  return DnsmasqHost{short_name(nic.instance), *mac, address_of(nic.ipv4), address_of(nic.ipv6)};
}

ManagedNetwork* Networks::Parts::network_of(const NicSettings& settings) {
  if (settings.kind == NicKind::kP2p) return nullptr;
  // A managed network named as a plain parent gives addresses all the same, as in LXD.
  return find(settings.network.empty() ? settings.parent : settings.network);
}

Result<NicRecord> Networks::Parts::reserve(ManagedNetwork& network, const NicRequest& request,
                                           const NicSettings& settings, const netlink::MacAddress& mac) {
  const NicKey key{network.record.id, request.instance, request.device};
  const auto found = nics.find(key);
  const NicRecord before = found == nics.end() ? NicRecord{} : found->second;
  const std::string mac_text = netlink::format(mac);
  if (found != nics.end() && is_current(before, settings, network.settings, mac_text)) return before;
  const Holders v4 = holders(nics, network, request, mac_text, IpFamily::kV4);
  const Holders v6 = holders(nics, network, request, mac_text, IpFamily::kV6);
  const std::string seed = request.instance + "/" + request.device;
  const BridgeSettings& bridge = network.settings;

  NicRecord record{network.record.id, request.instance, request.device, mac_text};
  record.ipv4_fixed = settings.v4.address.has_value();
  record.ipv6_fixed = settings.v6.address.has_value();
  record.ipv4 = TRY(choose({settings.v4, bridge.v4, v4, "ipv4.address"}, before.ipv4, [&]() -> Result<std::string> {
    if (!bridge.v4.dhcp) return std::string();
    return free_address(bridge.v4, v4, seed, network.record.name);
  }));
  // An address made from another MAC is not kept.
  const std::string before6 = before.mac == mac_text ? before.ipv6 : std::string();
  record.ipv6 = TRY(choose({settings.v6, bridge.v6, v6, "ipv6.address"}, before6,
                           [&] { return free_ipv6(network, mac, v6, seed); }));
  TRY_CONTEXT("addresses of " + request.instance, put_nic(database, record));
  nics[key] = record;
  return record;
}

// Ports and the bridge itself stay in its default VLAN together until one of them is told otherwise.
Result<void> Networks::Parts::filter_vlans(std::uint32_t bridge) {
  netlink::Batch batch;
  netlink::set_vlan_filtering(batch, bridge, netlink::VlanFiltering::kOn);
  auto sent = route.send(batch);
  if (!sent.ok() && sent.error().errno_value() == EOPNOTSUPP) {
    return Error(ErrorKind::kUnsupported, "vlan: bridges of this kernel do not filter by VLAN (CONFIG_BRIDGE_VLAN_FILTERING)");
  }
  return sent;
}

Result<NicPlan> Networks::Parts::plan(const NicRequest& request, const netlink::PeerPlace& place) {
  const NicSettings settings = TRY(parse_nic(request.config));
  NicResolution resolution;
  resolution.mac = settings.hwaddr ? *settings.hwaddr : TRY(netlink::parse_mac("hwaddr", request.mac));
  resolution.host_name = settings.host_name.empty() ? fresh_host_name() : settings.host_name;
  resolution.host_index = fresh_link_index();
  resolution.inner_index = kFirstInnerIndex + request.position;
  resolution.interface_name = settings.name.empty() ? "eth" + std::to_string(request.position) : settings.name;
  resolution.mtu = settings.mtu;
  resolution.place = place;

  ManagedNetwork* network = network_of(settings);
  if (network != nullptr) {
    if (network->index == 0) return Error(ErrorKind::kUnsupported, "network " + network->record.name + " is not up");
    resolution.master = network->index;
    if (uses_vlans(settings)) TRY(filter_vlans(network->index));
    if (!resolution.mtu) resolution.mtu = network->settings.mtu;
    const NicRecord record = TRY(reserve(*network, request, settings, resolution.mac));
    for (const auto& [text, family] : {std::pair{&record.ipv4, &network->settings.v4},
                                       std::pair{&record.ipv6, &network->settings.v6}}) {
      const auto address = address_of(*text);
      if (!address || !family->address) continue;
      resolution.addresses.push_back({*address, family->address->length});
      resolution.gateways.push_back(family->gateway.value_or(family->address->address));
    }
    if (const auto host = dnsmasq_host(record)) {
      if (!network->dnsmasq.running()) TRY(start_dnsmasq(*network));
      TRY(network->dnsmasq.put_host(host_key(record), *host, network->settings));
    }
  } else if (settings.kind == NicKind::kBridged) {
    if (!settings.network.empty()) return Error(ErrorKind::kNotFound, "network \"" + settings.network + "\" not found");
    const auto found = netlink::find_link(route, settings.parent);
    if (!found.ok() && found.error().kind() == ErrorKind::kNotFound)
      return invalid_value("parent", settings.parent, "there is no such interface");
    const netlink::Link parent = TRY(found);
    if (parent.kind != "bridge") return invalid_value("parent", settings.parent, "is no bridge");
    resolution.master = parent.index;
    if (uses_vlans(settings) && !(parent.bridge && parent.bridge->vlan_filtering)) {
      return Error(ErrorKind::kInvalid, "VLAN filtering is not enabled in parent bridge \"" + settings.parent + "\"");
    }
    if (parent.bridge) resolution.default_vlan = parent.bridge->vlan_default;
    if (!resolution.mtu) resolution.mtu = parent.mtu;
  }
  NicPlan plan = plan_nic(settings, resolution);
  if (network != nullptr) plan.network = network->record.name;
  if (settings.kind == NicKind::kBridged) plan.parent = network != nullptr ? network->record.name : settings.parent;
  const NicFilter filter = filter_of(settings, plan);
  if (!filter.empty()) TRY(apply_nic_filter(nft, filter));
  return plan;
}

void Networks::Parts::withdraw(const NicRequest& request, const std::string& host_name) {
  const auto settings = parse_nic(request.config);
  if (!settings.ok()) return;  // attach() refused it too
  if (settings->kind == NicKind::kBridged && (!settings->v4.routes.empty() || !settings->v6.routes.empty())) {
    const auto link = netlink::find_link(route, settings->network.empty() ? settings->parent : settings->network);
    for (const NicAddress* family : {&settings->v4, &settings->v6}) {
      for (const IpPrefix& destination : family->routes) {
        if (!link.ok()) break;
        netlink::Batch batch;
        netlink::delete_route(batch, {.destination = destination, .link_index = link->index});
        (void)route.send(batch);  // one by one: a missing one must not keep the next
      }
    }
  }
  const bool filtered = settings->mac_filtering || settings->ipv4_filtering || settings->ipv6_filtering || settings->egress;
  if (!filtered || host_name.empty()) return;
  jobs.add([this, host_name] {
    const std::lock_guard lock(mutex);
    (void)remove_nic_filter(nft, host_name);  // what is left is removed by the next start_all()
  });
}

Result<void> Networks::validate_nic(const Device& config) {
  const NicSettings settings = TRY(parse_nic(config));
  const std::lock_guard lock(parts_->mutex);
  const ManagedNetwork* network = parts_->network_of(settings);
  if (network == nullptr && !settings.network.empty()) {
    return Error(ErrorKind::kNotFound, "network \"" + settings.network + "\" not found");
  }
  if (network == nullptr && settings.kind == NicKind::kBridged) {
    if (settings.v4.address) return invalid_value("ipv4.address", netlink::format(*settings.v4.address), "needs a managed network");
    if (settings.v6.address) return invalid_value("ipv6.address", netlink::format(*settings.v6.address), "needs a managed network");
  }
  if (network != nullptr) {
    const Holders nobody;
    if (settings.v4.address) TRY(fixed_address("ipv4.address", *settings.v4.address, network->settings.v4, nobody));
    if (settings.v6.address) TRY(fixed_address("ipv6.address", *settings.v6.address, network->settings.v6, nobody));
  }
  return kOk;
}

Result<NicPlan> Networks::attach(const NicRequest& request) {
  const std::lock_guard lock(parts_->mutex);
  return TRY_CONTEXT("device " + request.device, parts_->plan(request, netlink::PeerInProcess{}));
}

void Networks::detach(const NicRequest& request, const std::string& host_name) {
  const std::lock_guard lock(parts_->mutex);
  parts_->withdraw(request, host_name);
}

Result<void> Networks::Parts::forget_if(const std::function<bool(const NicRecord&)>& chosen) {
  for (auto it = nics.begin(); it != nics.end();) {
    const NicRecord nic = it->second;
    if (!chosen(nic)) {
      ++it;
      continue;
    }
    TRY(delete_nic(database, nic));
    it = nics.erase(it);
    for (auto& [name, network] : networks) {
      if (network.record.id == nic.network_id) TRY(network.dnsmasq.remove_host(host_key(nic)));
    }
  }
  return kOk;
}

Result<void> Networks::forget(const std::string& instance, const std::string& device) {
  const std::lock_guard lock(parts_->mutex);
  return parts_->forget_if([&](const NicRecord& nic) { return nic.instance == instance && nic.device == device; });
}

Result<void> Networks::forget_instance(const std::string& instance) {
  const std::lock_guard lock(parts_->mutex);
  return parts_->forget_if([&](const NicRecord& nic) { return nic.instance == instance; });
}

Result<void> Networks::rename_instance(const std::string& instance, const std::string& new_name) {
  const std::lock_guard lock(parts_->mutex);
  TRY(rename_nics(parts_->database, instance, new_name));
  std::map<NicKey, NicRecord> renamed;
  std::set<std::int64_t> touched;
  for (auto& [key, nic] : parts_->nics) {
    if (nic.instance == instance) {
      nic.instance = new_name;
      touched.insert(nic.network_id);
    }
    renamed.emplace(NicKey{nic.network_id, nic.instance, nic.device}, nic);
  }
  parts_->nics = std::move(renamed);
  for (auto& [name, network] : parts_->networks) {
    if (touched.contains(network.record.id)) TRY(parts_->write_hosts(network));
  }
  return kOk;
}

Result<NicPlan> Networks::plug(const NicRequest& request, const Fd& network_namespace) {
  const std::lock_guard lock(parts_->mutex);
  auto inside = TRY(netlink::Socket::open_in(network_namespace));
  NicPlan plan = TRY_CONTEXT("device " + request.device,
                             parts_->plan(request, netlink::PeerInNamespace{network_namespace.get()}));
  auto sent = parts_->route.send(plan.host_batch);
  if (sent.ok()) sent = inside.send(plan.inner_batch);
  if (sent.ok()) return plan;
  netlink::Batch removal;
  netlink::delete_link(removal, netlink::LinkRef::by_name(plan.host_name));
  (void)parts_->route.send(removal);
  parts_->withdraw(request, plan.host_name);
  return std::move(sent).error().with_context("device " + request.device);
}

void Networks::unplug(const NicRequest& request, const std::string& host_name) {
  const std::lock_guard lock(parts_->mutex);
  parts_->withdraw(request, host_name);
  parts_->jobs.add([host_name] {
    auto socket = netlink::Socket::open();
    if (!socket.ok()) return;
    netlink::Batch removal;
    netlink::delete_link(removal, netlink::LinkRef::by_name(host_name));
    (void)socket->send(removal);
  });
}

Result<void> Networks::update_nic(const NicRequest& request, const std::string& host_name) {
  const NicSettings settings = TRY(parse_nic(request.config));
  const std::lock_guard lock(parts_->mutex);
  const auto link = TRY(netlink::find_link(parts_->route, host_name));
  NicPlan plan;
  plan.host_name = host_name;
  plan.mac = settings.hwaddr ? netlink::format(*settings.hwaddr) : request.mac;
  if (const auto* network = parts_->network_of(settings)) {
    const auto nic = parts_->nics.find({network->record.id, request.instance, request.device});
    if (nic != parts_->nics.end()) {
      for (const std::string& text : {nic->second.ipv4, nic->second.ipv6}) {
        if (const auto address = address_of(text)) plan.addresses.push_back({*address, address->bits()});
      }
    }
  }
  const NicFilter filter = filter_of(settings, plan);
  TRY(filter.empty() ? remove_nic_filter(parts_->nft, host_name) : apply_nic_filter(parts_->nft, filter));
  netlink::Batch reset;
  netlink::remove_rate_limit(reset, link.index);
  (void)parts_->route.send(reset);  // fails when there was none
  netlink::Batch batch;
  if (settings.ingress != 0) netlink::add_rate_limit(batch, link.index, settings.ingress);
  if (settings.kind == NicKind::kBridged) {
    netlink::set_bridge_port(batch, link.index, {.isolated = settings.port_isolation});
  }
  return parts_->route.send(batch);
}

}  // namespace cella::manager
