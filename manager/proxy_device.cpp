#include "manager/proxy_device.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include "base/units.h"
#include "manager/device_rules.h"
#include "manager/network_settings.h"

namespace cella::manager {
namespace {

using runtime::ProxyKind;

constexpr std::size_t kMaxPorts = 2048;       // each is a socket
constexpr std::size_t kMaxSocketPath = 107;   // sockaddr_un

Result<std::uint16_t> parse_port(const std::string& key, const std::string& text) {
  const auto number = parse_unsigned(key, text);
  if (!number.ok() || *number == 0 || *number > 65535) return invalid_value(key, text, "is not a port (1 to 65535)");
  return static_cast<std::uint16_t>(*number);
}

Result<std::vector<std::uint16_t>> parse_ports(const std::string& key, const std::string& text) {
  std::vector<std::uint16_t> ports;
  for (const std::string& part : split_list(text)) {
    const auto dash = part.find('-');
    const auto first = TRY(parse_port(key, part.substr(0, dash)));
    const auto last = dash == std::string::npos ? first : TRY(parse_port(key, part.substr(dash + 1)));
    if (last < first) return invalid_value(key, part, "is not a range of ports");
    if (ports.size() + (last - first) + 1u > kMaxPorts) {
      return invalid_value(key, text, "names more than " + std::to_string(kMaxPorts) + " ports");
    }
    for (unsigned port = first; port <= last; ++port) ports.push_back(static_cast<std::uint16_t>(port));
  }
  if (ports.empty()) return invalid_value(key, text, "needs a port");
  return ports;
}

Result<ProxyAddress> parse_unix(const std::string& key, const std::string& path) {
  if (path.size() < 2 || (path.front() != '/' && path.front() != '@') || path.find('\0') != std::string::npos) {
    return invalid_value(key, path, "must be an absolute path, or @ and a name");
  }
  if (path.size() > kMaxSocketPath) return invalid_value(key, path, "is longer than an address may be");
  ProxyAddress address;
  address.kind = ProxyKind::kUnix;
  address.path = path;
  return address;
}

Result<ProxyAddress> parse_host(const std::string& key, ProxyKind kind, const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return invalid_value(key, text, "needs an address and a port");
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  ProxyAddress address;
  address.kind = kind;
  address.host = TRY(netlink::parse_ip(key, host));
  address.ports = TRY(parse_ports(key, text.substr(colon + 1)));
  return address;
}

using Reader = std::function<Result<void>(ProxySettings&, const std::string& key, const std::string& value)>;

Reader flag(bool ProxySettings::* member) {
  return [member](ProxySettings& into, const std::string& key, const std::string& value) -> Result<void> {
    into.*member = TRY(parse_bool(key, value));
    return kOk;
  };
}

Reader id(std::uint32_t ProxySettings::* member) {
  return [member](ProxySettings& into, const std::string& key, const std::string& value) -> Result<void> {
    const auto number = TRY(parse_unsigned(key, value));
    if (number >= 0xffffffff) return invalid_value(key, value, "is out of range");
    into.*member = static_cast<std::uint32_t>(number);
    return kOk;
  };
}

Reader address(ProxyAddress ProxySettings::* member) {
  return [member](ProxySettings& into, const std::string& key, const std::string& value) -> Result<void> {
    into.*member = TRY(parse_proxy_address(key, value));
    return kOk;
  };
}

Result<void> read_mode(ProxySettings& into, const std::string& key, const std::string& value) {
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, into.mode, 8);
  if (error != std::errc() || stop != end || into.mode > 0777) return invalid_value(key, value, "is not an octal file mode");
  return kOk;
}

// "guest" and "container" are older words for it.
Result<void> read_bind(ProxySettings& into, const std::string& key, const std::string& value) {
  into.listens_inside = value == "instance" || value == "guest" || value == "container";
  if (!into.listens_inside && value != "host") return invalid_value(key, value, "must be \"host\" or \"instance\"");
  return kOk;
}

const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> table{
      {"listen", address(&ProxySettings::listen)},
      {"connect", address(&ProxySettings::connect)},
      {"bind", read_bind},
      {"nat", flag(&ProxySettings::nat)},
      {"proxy_protocol", flag(&ProxySettings::announce)},
      {"mode", read_mode},
      {"uid", id(&ProxySettings::user)},
      {"gid", id(&ProxySettings::group)},
      {"security.uid", id(&ProxySettings::connect_user)},
      {"security.gid", id(&ProxySettings::connect_group)},
  };
  return table;
}

bool is_wildcard(const netlink::IpAddress& host) {
  return std::all_of(host.bytes.begin(), host.bytes.end(), [](auto byte) { return byte == 0; });
}

Result<void> check_nat(const ProxySettings& settings) {
  const auto &listen = settings.listen, &connect = settings.connect;
  if (settings.listens_inside) return Error(ErrorKind::kInvalid, "Only host-bound proxies can use NAT");
  if (listen.kind == ProxyKind::kUnix || listen.kind != connect.kind) {
    return Error(ErrorKind::kInvalid, "nat needs listen and connect of the same type, tcp or udp");
  }
  if (is_wildcard(listen.host)) {
    return Error(ErrorKind::kInvalid,
                 "Cannot listen on wildcard address \"" + netlink::format(listen.host) + "\" when in nat mode");
  }
  const bool v4 = listen.host.family == netlink::IpFamily::kV4;
  if (v4 ? listen.host.bytes[0] == 127 : netlink::format(listen.host) == "::1") {
    return Error(ErrorKind::kInvalid,
                 "listen " + netlink::format(listen.host) + ": a loopback address cannot be proxied by nat");
  }
  if (listen.host.family != connect.host.family) {
    return Error(ErrorKind::kInvalid, "Cannot mix IP versions between listen and connect in nat mode");
  }
  return kOk;
}

Result<void> check_whole(const ProxySettings& settings, const Device& config) {
  const auto &listen = settings.listen, &connect = settings.connect;
  for (const char* key : {"listen", "connect"}) {
    if (device_value(config, key).empty()) return Error(ErrorKind::kInvalid, std::string("proxy needs \"") + key + "\"");
  }
  if (connect.ports.size() > 1 && connect.ports.size() != listen.ports.size()) {
    return Error(ErrorKind::kInvalid, "Mismatch between listen port(s) and connect port(s) count");
  }
  if (settings.announce && (connect.kind != ProxyKind::kTcp || settings.nat || listen.kind == ProxyKind::kUdp)) {
    return Error(ErrorKind::kInvalid, "The PROXY header can only be sent to tcp servers in non-nat mode");
  }
  const bool named = listen.kind == ProxyKind::kUnix && listen.path.front() == '/';
  for (const char* key : {"uid", "gid", "mode"}) {
    if (named || device_value(config, key).empty()) continue;
    return Error(ErrorKind::kInvalid,
                 "Only proxy devices for non-abstract unix sockets can carry uid, gid, or mode properties");
  }
  return settings.nat ? check_nat(settings) : kOk;
}

}  // namespace

Result<ProxyAddress> parse_proxy_address(const std::string& key, const std::string& text) {
  const auto colon = text.find(':');
  const std::string type = text.substr(0, colon);
  if (colon == std::string::npos) return invalid_value(key, text, "must be TYPE:ADDRESS[:PORT]");
  const std::string rest = text.substr(colon + 1);
  if (type == "unix") return parse_unix(key, rest);
  if (type == "tcp") return parse_host(key, ProxyKind::kTcp, rest);
  if (type == "udp") return parse_host(key, ProxyKind::kUdp, rest);
  return invalid_value(key, text, "unknown type: must be tcp, udp or unix");
}

Result<ProxySettings> parse_proxy(const std::string& device, const Device& config) {
  ProxySettings settings;
  settings.device = device;
  for (const auto& [key, value] : config) {
    settings.text += key + "=" + value + "\n";
    if (key == "type" || value.empty()) continue;
    const auto reader = readers().find(key);
    if (reader == readers().end()) return Error(ErrorKind::kInvalid, "unknown key \"" + key + "\" for type proxy");
    TRY(reader->second(settings, key, value));
  }
  TRY(check_whole(settings, config));
  return settings;
}

std::uint16_t target_port(const ProxySettings& settings, std::size_t index) {
  const auto& ports = settings.connect.ports;
  if (ports.empty()) return 0;
  return ports.size() == 1 ? ports.front() : ports.at(index);
}

}  // namespace cella::manager
