// Network settings that only /proc/sys/net has. They belong to the calling thread's network namespace.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "netlink/ip.h"

namespace cella::netlink {

// One setting below /proc/sys/net, for example "ipv4/ip_forward". Errors name it.
Result<std::string> read_setting(const std::string& name);
Result<void> write_setting(const std::string& name, std::string_view value);

// ipvN/conf/LINK/KEY. A kernel without that family is success when `value` only turns something off ("0").
Result<void> write_link_setting(IpFamily family, const std::string& link, const std::string& key, std::string_view value);

}  // namespace cella::netlink
