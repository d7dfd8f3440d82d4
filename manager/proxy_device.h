// A proxy device: from its string keys to typed values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"
#include "netlink/ip.h"
#include "runtime/proxy_messages.h"

namespace cella::manager {

// "tcp:192.0.2.1:80,443,8000-8010", "udp:[2001:db8::1]:53", "unix:/run/x.sock", "unix:@name".
struct ProxyAddress {
  runtime::ProxyKind kind = runtime::ProxyKind::kTcp;
  netlink::IpAddress host;          // tcp, udp
  std::vector<std::uint16_t> ports; // tcp, udp
  std::string path;                 // unix
  bool operator==(const ProxyAddress&) const = default;
};
// Errors: kInvalid naming key and text.
Result<ProxyAddress> parse_proxy_address(const std::string& key, const std::string& text);

struct ProxySettings {
  std::string device;
  ProxyAddress listen;
  ProxyAddress connect;
  bool listens_inside = false;  // bind=instance
  bool nat = false;
  bool announce = false;        // proxy_protocol
  // Of the unix socket it listens on.
  std::uint32_t mode = 0644;
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  // Who connects to a unix socket.
  std::uint32_t connect_user = 0;
  std::uint32_t connect_group = 0;
  std::string text;  // the device as it was given: two that differ in nothing have the same
  bool operator==(const ProxySettings&) const = default;
};

// Errors: kInvalid naming key and value, also for an unknown key and for keys that do not go together.
Result<ProxySettings> parse_proxy(const std::string& device, const Device& config);

// The port that connections to listen.ports[index] go to; 0 for unix.
std::uint16_t target_port(const ProxySettings& settings, std::size_t index);

}  // namespace cella::manager
