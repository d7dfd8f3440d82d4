// The kernel's side of a managed bridge: the link, its addresses, routes and settings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/network_settings.h"
#include "manager/network_subnets.h"
#include "netlink/socket.h"

namespace cella::manager {

// Makes the bridge exist exactly as the settings say: made when missing, changed where it differs, left alone where it
// is right, so that repeating it is harmless. mac: used without bridge.hwaddr. Returns the link's index.
// Errors: kExists when the name belongs to another kind of link; kNotFound or kInvalid for an external interface.
Result<std::uint32_t> bring_up_bridge(netlink::Socket& socket, const std::string& name, const BridgeSettings& settings,
                                      const netlink::MacAddress& mac);

// Removes the link; external interfaces are released. Missing is success.
Result<void> remove_bridge(netlink::Socket& socket, const std::string& name);

// Subnets of the namespace's addresses and routes, but those of the link `except`.
Result<std::vector<UsedSubnet>> subnets_in_use(netlink::Socket& socket, const std::string& except);

}  // namespace cella::manager
