#include "netlink/inner_batch.h"

#include "netlink/links.h"
#include "netlink/routes.h"

namespace cella::netlink {

void add_inner_link(Batch& batch, const InnerLink& link) {
  change_link(batch, LinkRef::by_index(link.index), {.up = true});
  for (const IpPrefix& address : link.addresses) add_address(batch, link.index, address);
  for (const IpAddress& gateway : link.gateways) add_route(batch, default_route(gateway, link.index));
}

Batch inner_batch(const std::vector<InnerLink>& links) {
  constexpr std::uint32_t kLoopback = 1;
  Batch batch;
  change_link(batch, LinkRef::by_index(kLoopback), {.up = true});
  for (const InnerLink& link : links) add_inner_link(batch, link);
  return batch;
}

}  // namespace cella::netlink
