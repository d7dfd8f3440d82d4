#include "manager/dnsmasq_config.h"

namespace cella::manager {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

void add_range(std::string& text, const AddressRange& range, const std::string& rest) {
  text += "dhcp-range=" + netlink::format(range.first) + "," + netlink::format(range.last) + "," + rest + "\n";
}

void add_v4(std::string& text, const BridgeSettings& settings) {
  const BridgeFamily& v4 = settings.v4;
  if (!v4.address) return;
  text += "listen-address=" + netlink::format(v4.address->address) + "\n";
  if (!v4.dhcp) return;
  for (const AddressRange& range : allocation_ranges(v4)) {
    add_range(text, range, netlink::format(netlink::netmask(*v4.address)) + "," + v4.expiry);
  }
  if (v4.gateway) text += "dhcp-option-force=option:router," + netlink::format(*v4.gateway) + "\n";
  if (settings.mtu) text += "dhcp-option-force=option:mtu," + std::to_string(*settings.mtu) + "\n";
  if (!settings.dns_search.empty()) text += "dhcp-option-force=option:domain-search," + join(settings.dns_search) + "\n";
}

void add_v6(std::string& text, const std::string& bridge, const BridgeSettings& settings) {
  const BridgeFamily& v6 = settings.v6;
  if (!v6.address) return;
  text += "listen-address=" + netlink::format(v6.address->address) + "\nenable-ra\n";
  const std::string length = std::to_string(v6.address->length);
  if (!v6.dhcp) {
    text += "dhcp-range=::,constructor:" + bridge + ",ra-only," + length + "\n";
  } else if (!v6.stateful) {
    text += "dhcp-range=::,constructor:" + bridge + ",ra-stateless," + length + "\n";
  } else {
    for (const AddressRange& range : allocation_ranges(v6)) add_range(text, range, length + "," + v6.expiry);
  }
  if (settings.mtu) text += "ra-param=" + bridge + ",mtu:" + std::to_string(*settings.mtu) + ",0,0\n";
  if (!settings.dns_search.empty()) text += "dhcp-option=option6:domain-search," + join(settings.dns_search) + "\n";
}

void add_dns(std::string& text, const std::string& bridge, const BridgeSettings& settings) {
  if (settings.dns_mode == DnsMode::kNone) {
    text += "dhcp-ignore-names\n";
    return;
  }
  text += "domain=" + settings.dns_domain + "\nlocal=/" + settings.dns_domain + "/\n";
  text += "interface-name=_gateway." + settings.dns_domain + "," + bridge + "\n";
  // A client may then not name itself: only the names of known hosts count.
  if (settings.dns_mode == DnsMode::kManaged) text += "dhcp-ignore-names=tag:!known\n";
}

}  // namespace

bool needs_dnsmasq(const BridgeSettings& settings) {
  return settings.v4.address.has_value() || settings.v6.address.has_value();
}

std::string dnsmasq_config(const std::string& bridge, const BridgeSettings& settings, const DnsmasqPaths& paths,
                           const DnsmasqUser& user) {
  std::string text = "# Written by cella for network " + bridge + "; changes are overwritten (use raw.dnsmasq).\n";
  text += "interface=" + bridge + "\nexcept-interface=lo\nbind-interfaces\nno-hosts\nno-ping\n";
  text += "dhcp-authoritative\ndhcp-rapid-commit\nquiet-dhcp\nquiet-dhcp6\nquiet-ra\n";
  text += "user=" + user.user + "\ngroup=" + user.group + "\n";
  text += "pid-file=" + paths.pid() + "\ndhcp-leasefile=" + paths.leases() + "\n";
  text += "dhcp-hostsdir=" + paths.hosts() + "\nhostsdir=" + paths.names() + "\n";
  add_dns(text, bridge, settings);
  add_v4(text, settings);
  add_v6(text, bridge, settings);
  if (!settings.raw_dnsmasq.empty()) text += "# raw.dnsmasq\n" + settings.raw_dnsmasq + "\n";
  return text;
}

std::string reservation_line(const DnsmasqHost& host, const BridgeSettings& settings) {
  std::string line = netlink::format(host.mac);
  if (host.ipv4) line += "," + netlink::format(*host.ipv4);
  if (host.ipv6 && settings.v6.dhcp && settings.v6.stateful) line += ",[" + netlink::format(*host.ipv6) + "]";
  if (settings.dns_mode != DnsMode::kNone) line += "," + host.name;
  return line + "\n";
}

std::string name_lines(const DnsmasqHost& host, const BridgeSettings& settings) {
  if (settings.dns_mode == DnsMode::kNone) return {};
  const std::string names = " " + host.name + "." + settings.dns_domain + " " + host.name + "\n";
  std::string text;
  if (host.ipv4) text += netlink::format(*host.ipv4) + names;
  if (host.ipv6) text += netlink::format(*host.ipv6) + names;
  return text;
}

}  // namespace cella::manager
