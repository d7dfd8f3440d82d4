#include "manager/network_nic.h"

#include <cstdio>
#include <functional>
#include <map>

#include "base/units.h"
#include "manager/network_settings.h"
#include "manager/network_subnets.h"
#include "netlink/inner_batch.h"
#include "netlink/routes.h"
#include "netlink/shaping.h"

namespace cella::manager {
namespace {

using netlink::IpFamily;
using Reader = std::function<Result<void>(NicSettings&, const std::string& key, const std::string& text)>;

Reader bool_reader(bool NicSettings::* member) {
  return [member](NicSettings& into, const std::string& key, const std::string& text) -> Result<void> {
    into.*member = TRY(parse_bool(key, text));
    return kOk;
  };
}

Reader rate_reader(std::vector<std::uint64_t NicSettings::*> members) {
  return [members](NicSettings& into, const std::string& key, const std::string& text) -> Result<void> {
    const auto rate = TRY(parse_bit_rate(key, text));
    if (rate < 8) return invalid_value(key, text, "must be at least 8 bit per second");
    for (const auto member : members) into.*member = rate;
    return kOk;
  };
}

Reader number_reader(std::optional<std::uint32_t> NicSettings::* member, std::uint64_t least, std::uint64_t most) {
  return [=](NicSettings& into, const std::string& key, const std::string& text) -> Result<void> {
    const auto number = TRY(parse_unsigned(key, text));
    if (number < least || number > most) {
      return invalid_value(key, text, "must be between " + std::to_string(least) + " and " + std::to_string(most));
    }
    into.*member = static_cast<std::uint32_t>(number);
    return kOk;
  };
}

Reader name_reader(std::string NicSettings::* member) {
  return [member](NicSettings& into, const std::string& key, const std::string& text) -> Result<void> {
    TRY(check_link_name(key, text));
    into.*member = text;
    return kOk;
  };
}

Reader address_reader(NicAddress NicSettings::* member, IpFamily family) {
  return [=](NicSettings& into, const std::string& key, const std::string& text) -> Result<void> {
    (into.*member).none = text == "none";
    if (text == "none") return kOk;
    const auto address = TRY(netlink::parse_ip(key, text));
    if (address.family != family) return invalid_value(key, text, "is of the other address family");
    (into.*member).address = address;
    return kOk;
  };
}

Reader routes_reader(NicAddress NicSettings::* member, IpFamily family) {
  return [=](NicSettings& into, const std::string& key, const std::string& text) -> Result<void> {
    for (const std::string& part : split_list(text)) {
      const auto route = TRY(netlink::parse_prefix(key, part));
      if (route.address.family != family) return invalid_value(key, part, "is of the other address family");
      if (route.length == 0) return invalid_value(key, part, "a default route cannot go to an instance");
      (into.*member).routes.push_back(netlink::subnet_of(route));
    }
    return kOk;
  };
}

Result<std::uint16_t> parse_vlan(const std::string& key, const std::string& text) {
  const auto id = parse_unsigned(key, text);
  if (!id.ok() || *id == 0 || *id > 4094) return invalid_value(key, text, "is no VLAN id (1 to 4094)");
  return static_cast<std::uint16_t>(*id);
}

// "none": frames without a tag are dropped.
Result<void> read_vlan(NicSettings& into, const std::string& key, const std::string& text) {
  into.no_default_vlan = true;
  if (text == "none") return kOk;
  const auto id = TRY(parse_vlan(key, text));
  into.vlans.push_back({id, id, true});
  return kOk;
}

Result<void> read_tagged_vlans(NicSettings& into, const std::string& key, const std::string& text) {
  for (const std::string& part : split_list(text)) {
    const auto dash = part.find('-');
    const auto first = TRY(parse_vlan(key, part.substr(0, dash)));
    const auto last = dash == std::string::npos ? first : TRY(parse_vlan(key, part.substr(dash + 1)));
    if (last < first) return invalid_value(key, part, "is no range of VLAN ids");
    into.vlans.push_back({first, last, false});
  }
  return kOk;
}

Result<void> read_nictype(NicSettings& into, const std::string& key, const std::string& text) {
  if (text == "bridged") {
    into.kind = NicKind::kBridged;
  } else if (text == "p2p") {
    into.kind = NicKind::kP2p;
  } else {
    return invalid_value(key, text, "only bridged and p2p are supported");
  }
  return kOk;
}

Result<void> ignore(NicSettings&, const std::string&, const std::string&) { return kOk; }

const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> table{
      {"type", ignore},
      {"boot.priority", ignore},  // orders the boot devices of virtual machines
      {"nictype", read_nictype},
      {"network", name_reader(&NicSettings::network)},
      {"parent", name_reader(&NicSettings::parent)},
      {"name", name_reader(&NicSettings::name)},
      {"host_name", name_reader(&NicSettings::host_name)},
      {"hwaddr",
       [](NicSettings& into, const std::string& key, const std::string& text) -> Result<void> {
         into.hwaddr = TRY(netlink::parse_mac(key, text));
         return kOk;
       }},
      {"mtu", number_reader(&NicSettings::mtu, 68, 65535)},
      {"queue.tx.length", number_reader(&NicSettings::tx_queue_length, 0, 1'000'000)},
      {"ipv4.address", address_reader(&NicSettings::v4, IpFamily::kV4)},
      {"ipv6.address", address_reader(&NicSettings::v6, IpFamily::kV6)},
      {"ipv4.routes", routes_reader(&NicSettings::v4, IpFamily::kV4)},
      {"ipv6.routes", routes_reader(&NicSettings::v6, IpFamily::kV6)},
      {"ipv4.routes.external", routes_reader(&NicSettings::v4, IpFamily::kV4)},
      {"ipv6.routes.external", routes_reader(&NicSettings::v6, IpFamily::kV6)},
      {"vlan", read_vlan},
      {"vlan.tagged", read_tagged_vlans},
      {"limits.ingress", rate_reader({&NicSettings::ingress})},
      {"limits.egress", rate_reader({&NicSettings::egress})},
      {"limits.max", rate_reader({&NicSettings::ingress, &NicSettings::egress})},
      {"security.mac_filtering", bool_reader(&NicSettings::mac_filtering)},
      {"security.ipv4_filtering", bool_reader(&NicSettings::ipv4_filtering)},
      {"security.ipv6_filtering", bool_reader(&NicSettings::ipv6_filtering)},
      {"security.port_isolation", bool_reader(&NicSettings::port_isolation)},
  };
  return table;
}

std::string value_of(const Device& device, const std::string& key) {
  const auto found = device.find(key);
  return found == device.end() ? std::string() : found->second;
}

Result<void> check_p2p(const NicSettings& settings) {
  if (!settings.network.empty()) return invalid_value("network", settings.network, "a p2p NIC has no network");
  if (!settings.parent.empty()) return invalid_value("parent", settings.parent, "a p2p NIC has no parent");
  if (settings.v4.address) return invalid_value("ipv4.address", netlink::format(*settings.v4.address), "needs a network");
  if (settings.v6.address) return invalid_value("ipv6.address", netlink::format(*settings.v6.address), "needs a network");
  if (settings.mac_filtering || settings.ipv4_filtering || settings.ipv6_filtering || settings.port_isolation) {
    return Error(ErrorKind::kInvalid, "security.*: filters and isolation need a bridged NIC");
  }
  if (uses_vlans(settings)) return Error(ErrorKind::kInvalid, "vlan, vlan.tagged: VLANs need a bridged NIC");
  return kOk;
}

Result<void> check_whole(const NicSettings& settings, const Device& device) {
  const std::string type = value_of(device, "nictype");
  if (settings.kind == NicKind::kP2p) return check_p2p(settings);
  if (settings.network.empty() && settings.parent.empty()) {
    return invalid_value(type.empty() ? "network" : "parent", "", "a NIC needs a network, or nictype and parent");
  }
  if (!settings.network.empty() && !settings.parent.empty()) {
    return invalid_value("parent", settings.parent, "cannot be given beside network");
  }
  if (settings.network.empty() && type.empty()) {
    return invalid_value("nictype", "", "must be given with parent (bridged)");
  }
  return kOk;
}

void add_rate_and_routes(NicPlan& plan, const NicSettings& settings, const NicResolution& resolution) {
  if (settings.ingress != 0) netlink::add_rate_limit(plan.host_batch, resolution.host_index, settings.ingress);
  const std::uint32_t target = resolution.master != 0 ? resolution.master : resolution.host_index;
  for (const NicAddress* family : {&settings.v4, &settings.v6}) {
    for (const auto& route : family->routes) {
      netlink::add_route(plan.host_batch, {.destination = route, .link_index = target});
    }
  }
}

void add_vlans(NicPlan& plan, const NicSettings& settings, const NicResolution& resolution) {
  if (settings.no_default_vlan && resolution.default_vlan != 0) {
    netlink::remove_port_vlan(plan.host_batch, resolution.host_index, resolution.default_vlan);
  }
  for (const auto& vlan : settings.vlans) netlink::add_port_vlan(plan.host_batch, resolution.host_index, vlan);
}

}  // namespace

Result<NicSettings> parse_nic(const Device& device) {
  NicSettings settings;
  for (const auto& [key, text] : device) {
    if (text.empty() || key.starts_with("user.")) continue;
    const auto reader = readers().find(key);
    if (reader == readers().end()) return invalid_value(key, text, "not a key of a bridged or p2p NIC that cella serves");
    if (key == "limits.ingress" || key == "limits.egress") {
      if (device.contains("limits.max")) return invalid_value(key, text, "cannot be given beside limits.max");
    }
    TRY(reader->second(settings, key, text));
  }
  TRY(check_whole(settings, device));
  return settings;
}

NicPlan plan_nic(const NicSettings& settings, const NicResolution& resolution) {
  NicPlan plan;
  plan.host_name = resolution.host_name;
  plan.interface_name = resolution.interface_name;
  plan.mac = netlink::format(resolution.mac);
  plan.addresses = resolution.addresses;

  const auto offset = netlink::add_veth(plan.host_batch, {.host_name = resolution.host_name,
                                                          .host_index = resolution.host_index,
                                                          .mtu = resolution.mtu,
                                                          .master = resolution.master,
                                                          .up = resolution.master == 0,
                                                          .peer_name = resolution.interface_name,
                                                          .peer_index = resolution.inner_index,
                                                          .peer_mac = resolution.mac,
                                                          .tx_queue_length = settings.tx_queue_length,
                                                          .peer_place = resolution.place});
  if (offset) plan.pid_offsets.push_back(*offset);
  if (resolution.master != 0) {
    // Address generation can be turned off on an existing link only, and must be before it is up: each port's own
    // neighbour discovery would be flooded to all others.
    netlink::change_link(plan.host_batch, netlink::LinkRef::by_index(resolution.host_index),
                         {.up = true, .no_ipv6_address = true});
    if (settings.port_isolation) netlink::set_bridge_port(plan.host_batch, resolution.host_index, {.isolated = true});
    add_vlans(plan, settings, resolution);
  }
  add_rate_and_routes(plan, settings, resolution);
  netlink::add_inner_link(plan.inner_batch, {.index = resolution.inner_index,
                                             .addresses = resolution.addresses,
                                             .gateways = resolution.gateways});
  return plan;
}

NicFilter filter_of(const NicSettings& settings, const NicPlan& plan) {
  NicFilter filter{.host_name = plan.host_name,
                   .mac_filtering = settings.mac_filtering,
                   .ipv4_filtering = settings.ipv4_filtering,
                   .ipv6_filtering = settings.ipv6_filtering,
                   .egress_bits_per_second = settings.egress,
                   .bridged = settings.kind == NicKind::kBridged};
  const auto mac = netlink::parse_mac("hwaddr", plan.mac);
  if (mac.ok()) filter.mac = *mac;
  for (const auto& address : plan.addresses) {
    (address.address.family == IpFamily::kV4 ? filter.ipv4 : filter.ipv6) = address.address;
  }
  return filter;
}

std::string fresh_host_name() {
  const auto random = system_random();
  char name[16];
  std::snprintf(name, sizeof name, "veth%04x%04x", random(0x10000), random(0x10000));
  return name;
}

std::uint32_t fresh_link_index() { return (1u << 20) + system_random()(1u << 30); }

}  // namespace cella::manager
