#include "manager/network_settings.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/units.h"

namespace cella::manager {
namespace {

using netlink::IpFamily;
using netlink::IpPrefix;

bool is_hostname_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

Result<void> check_domain(std::string_view key, std::string_view text) {
  const bool good = !text.empty() && text.size() <= 253 && text.front() != '.' && text.back() != '.' &&
                    text.find("..") == std::string_view::npos &&
                    std::all_of(text.begin(), text.end(), [](char c) { return is_hostname_character(c) || c == '.'; });
  if (!good) return invalid_value(key, text, "not a domain name");
  return kOk;
}

// dnsmasq's lease times: seconds, or a number with m, h, d or w, or "infinite".
Result<void> check_expiry(std::string_view key, std::string_view text) {
  if (text == "infinite") return kOk;
  std::string_view digits = text;
  if (!digits.empty() && std::string_view("smhdw").find(digits.back()) != std::string_view::npos) digits.remove_suffix(1);
  if (!parse_unsigned(key, digits).ok()) {
    return invalid_value(key, text, "not a lease time (a number followed by s, m, h, d or w, or \"infinite\")");
  }
  return kOk;
}

Result<void> check_family(std::string_view key, std::string_view text, const netlink::IpAddress& address,
                          IpFamily family) {
  if (address.family != family) {
    return invalid_value(key, text, family == IpFamily::kV4 ? "not an IPv4 address" : "not an IPv6 address");
  }
  return kOk;
}

// A reader of one key's text into the settings. key is the whole key, for errors.
using Reader = std::function<Result<void>(BridgeSettings&, const std::string& key, const std::string& text)>;
using FamilyReader = std::function<Result<void>(BridgeFamily&, IpFamily, const std::string& key, const std::string& text)>;

Result<void> read_address(BridgeFamily& into, IpFamily family, const std::string& key, const std::string& text) {
  if (text == "none") return kOk;
  const IpPrefix prefix = TRY(netlink::parse_prefix(key, text));
  TRY(check_family(key, text, prefix.address, family));
  const bool too_small = family == IpFamily::kV4 ? prefix.length < 8 || prefix.length > 30
                                                 : prefix.length < 32 || prefix.length > 126;
  if (too_small) return invalid_value(key, text, "a bridge's subnet must have between /8 and /30 (IPv6: /32 and /126)");
  if (netlink::subnet_of(prefix).address == prefix.address) {
    return invalid_value(key, text, "is the subnet itself; give the bridge's own address in it");
  }
  if (family == IpFamily::kV4 && netlink::last_address(prefix) == prefix.address) {
    return invalid_value(key, text, "is the subnet's broadcast address");
  }
  into.address = prefix;
  return kOk;
}

FamilyReader bool_reader(bool BridgeFamily::* member) {
  return [member](BridgeFamily& into, IpFamily, const std::string& key, const std::string& text) -> Result<void> {
    into.*member = TRY(parse_bool(key, text));
    return kOk;
  };
}

FamilyReader address_reader(std::optional<netlink::IpAddress> BridgeFamily::* member) {
  return [member](BridgeFamily& into, IpFamily family, const std::string& key, const std::string& text) -> Result<void> {
    const auto address = TRY(netlink::parse_ip(key, text));
    TRY(check_family(key, text, address, family));
    into.*member = address;
    return kOk;
  };
}

Result<void> read_routes(BridgeFamily& into, IpFamily family, const std::string& key, const std::string& text) {
  for (const std::string& part : split_list(text)) {
    const IpPrefix route = TRY(netlink::parse_prefix(key, part));
    TRY(check_family(key, part, route.address, family));
    if (route.length == 0) return invalid_value(key, part, "a default route cannot go to a bridge");
    into.routes.push_back(netlink::subnet_of(route));
  }
  return kOk;
}

// Keys that exist as ipv4.X, ipv6.X or both. Ranges are read afterwards: they need the address.
struct FamilyKey {
  const char* name;
  bool v4;
  bool v6;
  FamilyReader read;
};

const std::vector<FamilyKey>& family_keys() {
  static const std::vector<FamilyKey> keys{
      {"address", true, true, read_address},
      {"nat", true, true, bool_reader(&BridgeFamily::nat)},
      {"nat.address", true, true, address_reader(&BridgeFamily::nat_address)},
      {"nat.order", true, true,
       [](BridgeFamily& into, IpFamily, const std::string& key, const std::string& text) -> Result<void> {
         if (text != "before" && text != "after") return invalid_value(key, text, "must be before or after");
         into.nat_order = text == "after" ? NatOrder::kAfter : NatOrder::kBefore;
         return kOk;
       }},
      {"dhcp", true, true, bool_reader(&BridgeFamily::dhcp)},
      {"dhcp.stateful", false, true, bool_reader(&BridgeFamily::stateful)},
      {"dhcp.gateway", true, false, address_reader(&BridgeFamily::gateway)},
      {"dhcp.expiry", true, true,
       [](BridgeFamily& into, IpFamily, const std::string& key, const std::string& text) -> Result<void> {
         TRY(check_expiry(key, text));
         into.expiry = text;
         return kOk;
       }},
      {"dhcp.ranges", true, true,
       [](BridgeFamily&, IpFamily, const std::string&, const std::string&) -> Result<void> { return kOk; }},
      {"firewall", true, true, bool_reader(&BridgeFamily::firewall)},
      {"routing", true, true, bool_reader(&BridgeFamily::routing)},
      {"routes", true, true, read_routes},
  };
  return keys;
}

struct PlainKey {
  const char* name;
  Reader read;
};

Reader only_value(const char* allowed) {
  return [allowed](BridgeSettings&, const std::string& key, const std::string& text) -> Result<void> {
    if (text != allowed) return invalid_value(key, text, std::string("only \"") + allowed + "\" is supported");
    return kOk;
  };
}

Result<void> read_dns_mode(BridgeSettings& into, const std::string& key, const std::string& text) {
  if (text == "managed") {
    into.dns_mode = DnsMode::kManaged;
  } else if (text == "dynamic") {
    into.dns_mode = DnsMode::kDynamic;
  } else if (text == "none") {
    into.dns_mode = DnsMode::kNone;
  } else {
    return invalid_value(key, text, "must be managed, dynamic or none");
  }
  return kOk;
}

Result<void> read_mtu(BridgeSettings& into, const std::string& key, const std::string& text) {
  const auto mtu = TRY(parse_unsigned(key, text));
  if (mtu < 1280 || mtu > 65535) return invalid_value(key, text, "must be between 1280 and 65535");
  into.mtu = static_cast<std::uint32_t>(mtu);
  return kOk;
}

Result<void> read_raw_dnsmasq(BridgeSettings& into, const std::string& key, const std::string& text) {
  const bool clean = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t';
  });
  if (!clean || text.size() > 65536) return invalid_value(key, text.substr(0, 40), "control characters, or over 64 KiB");
  into.raw_dnsmasq = text;
  return kOk;
}

const std::vector<PlainKey>& plain_keys() {
  static const std::vector<PlainKey> keys{
      {"bridge.driver", only_value("native")},
      {"bridge.mode", only_value("standard")},
      {"bridge.mtu", read_mtu},
      {"bridge.hwaddr",
       [](BridgeSettings& into, const std::string& key, const std::string& text) -> Result<void> {
         into.hwaddr = TRY(netlink::parse_mac(key, text));
         return kOk;
       }},
      {"bridge.external_interfaces",
       [](BridgeSettings& into, const std::string& key, const std::string& text) -> Result<void> {
         into.external_interfaces = split_list(text);
         for (const std::string& name : into.external_interfaces) TRY(check_link_name(key, name));
         return kOk;
       }},
      {"dns.domain",
       [](BridgeSettings& into, const std::string& key, const std::string& text) -> Result<void> {
         TRY(check_domain(key, text));
         into.dns_domain = text;
         return kOk;
       }},
      {"dns.mode", read_dns_mode},
      {"dns.search",
       [](BridgeSettings& into, const std::string& key, const std::string& text) -> Result<void> {
         into.dns_search = split_list(text);
         for (const std::string& domain : into.dns_search) TRY(check_domain(key, domain));
         return kOk;
       }},
      {"raw.dnsmasq", read_raw_dnsmasq},
  };
  return keys;
}

bool belongs_to_lxd_only(const std::string& key) {
  constexpr std::array<const char*, 8> kPrefixes{"bgp.",     "fan.",           "maas.",          "tunnel.",
                                                 "dns.zone.", "security.acls", "ipv4.ovn.ranges", "ipv6.ovn.ranges"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](const char* prefix) { return key.starts_with(prefix); });
}

Result<void> read_key(BridgeSettings& into, const std::string& key, const std::string& text) {
  if (key.starts_with("user.")) return kOk;
  for (const PlainKey& known : plain_keys()) {
    if (key == known.name) return known.read(into, key, text);
  }
  const bool v4 = key.starts_with("ipv4.");
  if (v4 || key.starts_with("ipv6.")) {
    for (const FamilyKey& known : family_keys()) {
      if (key.substr(5) != known.name || !(v4 ? known.v4 : known.v6)) continue;
      return known.read(v4 ? into.v4 : into.v6, v4 ? IpFamily::kV4 : IpFamily::kV6, key, text);
    }
  }
  if (belongs_to_lxd_only(key)) return invalid_value(key, text, "not supported by cella");
  return invalid_value(key, text, "unknown network configuration key");
}

Result<void> check_whole(BridgeSettings& settings, const Config& config) {
  for (auto [family, prefix] : {std::pair{&settings.v4, "ipv4."}, std::pair{&settings.v6, "ipv6."}}) {
    const std::string ranges_key = std::string(prefix) + "dhcp.ranges";
    const auto ranges = config.find(ranges_key);
    if (ranges == config.end() || ranges->second.empty()) continue;
    if (!family->address) return invalid_value(ranges_key, ranges->second, "there is no address to take ranges from");
    family->ranges = TRY(parse_ranges(ranges_key, ranges->second, *family->address));
  }
  const auto& v4 = settings.v4;
  if (v4.gateway && v4.address && !netlink::contains(*v4.address, *v4.gateway)) {
    return invalid_value("ipv4.dhcp.gateway", netlink::format(*v4.gateway), "is not in " + netlink::format(*v4.address));
  }
  if (settings.v6.address && settings.mtu && *settings.mtu < 1280) {
    return invalid_value("bridge.mtu", std::to_string(*settings.mtu), "IPv6 needs at least 1280");
  }
  return kOk;
}

}  // namespace

Result<BridgeSettings> parse_bridge_settings(const Config& config) {
  BridgeSettings settings;
  for (const auto& [key, text] : config) {
    if (text.empty() && !key.starts_with("user.")) continue;  // the same as not given
    TRY(read_key(settings, key, text));
  }
  TRY(check_whole(settings, config));
  return settings;
}

Result<void> check_link_name(std::string_view key, std::string_view name) {
  const bool good = name.size() >= 2 && name.size() <= 15 && name.front() != '-' && name.front() != '.' &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return is_hostname_character(c) || c == '_' || c == '.'; });
  if (!good) return invalid_value(key, name, "not an interface name (2 to 15 of letters, digits, \"-\", \"_\" and \".\")");
  return kOk;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

Result<std::vector<AddressRange>> parse_ranges(std::string_view key, std::string_view text, const IpPrefix& subnet) {
  std::vector<AddressRange> ranges;
  for (const std::string& part : split_list(text)) {
    const std::size_t dash = part.find('-');
    if (dash == std::string::npos) return invalid_value(key, part, "not a range (FIRST-LAST)");
    AddressRange range{TRY(netlink::parse_ip(key, part.substr(0, dash))), TRY(netlink::parse_ip(key, part.substr(dash + 1)))};
    if (!netlink::contains(subnet, range.first) || !netlink::contains(subnet, range.last)) {
      return invalid_value(key, part, "is not in " + netlink::format(netlink::subnet_of(subnet)));
    }
    if (range.last < range.first) return invalid_value(key, part, "ends before it begins");
    ranges.push_back(range);
  }
  return ranges;
}

std::vector<AddressRange> allocation_ranges(const BridgeFamily& family) {
  if (!family.address) return {};
  if (!family.ranges.empty()) return family.ranges;
  const IpPrefix subnet = netlink::subnet_of(*family.address);
  const netlink::IpAddress last = netlink::last_address(subnet);
  const bool v4 = subnet.address.family == IpFamily::kV4;
  // The first host address is left to gateways, the last of IPv4 is the broadcast address.
  const auto size = netlink::distance(subnet.address, last);
  const auto first_host = netlink::advance(subnet.address, size > 3 ? 2 : 1);
  return {{first_host, v4 ? netlink::advance(subnet.address, size - 1) : last}};
}

}  // namespace cella::manager
