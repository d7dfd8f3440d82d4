// The host-wide network settings that routing needs (forwarding), and putting them back when nothing needs them any more.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "netlink/ip.h"
#include "netlink/socket.h"

namespace cella::manager {

// Keeps, in a file, what each setting was before cella changed it in this boot and network namespace. Not thread-safe.
class HostSettings {
 public:
  explicit HostSettings(std::string file) : file_(std::move(file)) {}

  // Makes this host forward packets of a family. Links that accept router advertisements go on doing so (accept_ra 2).
  Result<void> enable_forwarding(netlink::Socket& socket, netlink::IpFamily family);
  // Puts everything back as it was found.
  Result<void> restore();

 private:
  Result<void> set(const std::string& name, const std::string& value);
  Result<void> load();
  Result<void> save();

  std::string file_;
  bool loaded_ = false;
  std::map<std::string, std::string> before_;
};

}  // namespace cella::manager
