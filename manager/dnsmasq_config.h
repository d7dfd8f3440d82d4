// The text dnsmasq reads for one bridge: its configuration file, and one line per known host. Values only.
#pragma once

#include <optional>
#include <string>

#include "manager/network_settings.h"
#include "netlink/ip.h"

namespace cella::manager {

// Where one network's files are; every path is absolute.
struct DnsmasqPaths {
  std::string directory;
  std::string config() const { return directory + "/dnsmasq.conf"; }
  std::string leases() const { return directory + "/dnsmasq.leases"; }
  std::string pid() const { return directory + "/dnsmasq.pid"; }
  std::string hosts() const { return directory + "/dnsmasq.hosts"; }  // directory: one DHCP reservation per file
  std::string names() const { return directory + "/dnsmasq.names"; }  // directory: one DNS name per file
};

// The user dnsmasq drops to after it has bound its ports.
struct DnsmasqUser {
  std::string user = "nobody";
  std::string group = "nogroup";
};

// True when the bridge has an address to serve DHCP or DNS on.
bool needs_dnsmasq(const BridgeSettings& settings);

std::string dnsmasq_config(const std::string& bridge, const BridgeSettings& settings, const DnsmasqPaths& paths,
                           const DnsmasqUser& user);

// A NIC that dnsmasq shall know. name: a host name (letters, digits, "-").
struct DnsmasqHost {
  std::string name;
  netlink::MacAddress mac;
  std::optional<netlink::IpAddress> ipv4;
  std::optional<netlink::IpAddress> ipv6;
};

// "00:16:3e:…,10.1.2.3,[fd42::3],c1": the line for dhcp-hostsdir. An IPv6 address only where DHCPv6 gives addresses.
std::string reservation_line(const DnsmasqHost& host, const BridgeSettings& settings);
// "10.1.2.3 c1.lxd c1": the lines for hostsdir; empty when names are not managed.
std::string name_lines(const DnsmasqHost& host, const BridgeSettings& settings);

}  // namespace cella::manager
