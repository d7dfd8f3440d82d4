// Links as the API shows them.
#pragma once

#include <string>
#include <vector>

#include "manager/instance.h"
#include "netlink/dump.h"

namespace cella::manager {

// addresses: of the whole namespace; those of this link are taken.
NetworkState describe_link(const netlink::Link& link, const std::vector<netlink::LinkAddress>& addresses);

// "loopback", "physical", "bridge", "bond", "vlan" or "unknown".
std::string unmanaged_type(const netlink::Link& link);

}  // namespace cella::manager
