// Proxies by destination NAT: no process in between.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/container_spec.h"
#include "manager/proxy_device.h"
#include "netlink/nft_transaction.h"

namespace cella::manager {

// The address of the container that a NAT proxy leads to: connect's own, or for a wildcard the NIC's.
// Errors: kInvalid unless one of the NICs has it as its fixed address.
Result<netlink::IpAddress> nat_target(const ProxySettings& settings, const std::vector<Nic>& nics);

// The three chains of one proxy in table "inet cella": what comes in, what this host sends itself, and what a container
// sends to itself by way of the host.
std::vector<netlink::nft::Chain> nat_chains(const std::string& id, const ProxySettings& settings,
                                            const netlink::IpAddress& target);

// In the network namespace of the calling thread.
Result<void> apply_nat(const std::string& id, const ProxySettings& settings, const netlink::IpAddress& target);
// Missing is success.
Result<void> remove_nat(const std::string& id);
// Removes the chains of all other ids.
Result<void> retain_nat(const std::set<std::string>& ids);

}  // namespace cella::manager
