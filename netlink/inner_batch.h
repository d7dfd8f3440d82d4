// What a container's own network namespace needs before init runs, as one batch for a child to send.
#pragma once

#include <cstdint>
#include <vector>

#include "netlink/ip.h"
#include "netlink/message.h"

namespace cella::netlink {

// One interface inside. index: as given to VethSpec::peer_index (a fresh namespace's second link is 2 only when the
// kernel makes no fallback tunnels there).
struct InnerLink {
  std::uint32_t index = 0;
  std::vector<IpPrefix> addresses;
  std::vector<IpAddress> gateways;  // at most one per family; each becomes a default route
};

// One link: up, its addresses, its default routes.
void add_inner_link(Batch& batch, const InnerLink& link);

// lo up; then for each link: up, its addresses, its default routes.
Batch inner_batch(const std::vector<InnerLink>& links);

}  // namespace cella::netlink
