// Addresses of links, and routes. Each function appends one message to a batch.
#pragma once

#include <cstdint>
#include <optional>

#include "netlink/ip.h"
#include "netlink/message.h"

namespace cella::netlink {

// RTM_NEWADDR (CREATE|REPLACE, so it can be repeated). IPv4 gets its broadcast address; IPv6 gets IFA_F_NODAD: the
// address works at once, which holds because cella gives each address once.
void add_address(Batch& batch, std::uint32_t link_index, const IpPrefix& address);
void delete_address(Batch& batch, std::uint32_t link_index, const IpPrefix& address);

struct RouteSpec {
  IpPrefix destination;              // length 0: the default route
  std::optional<IpAddress> gateway;  // absent: on the link itself
  std::uint32_t link_index = 0;      // 0: found by the gateway
  std::optional<std::uint32_t> metric;
  std::uint8_t protocol = 3;  // RTPROT_BOOT; who made it, kept by the kernel as a note
};
// RTM_NEWROUTE (CREATE|REPLACE) in the main table.
void add_route(Batch& batch, const RouteSpec& route);
void delete_route(Batch& batch, const RouteSpec& route);

// Default route through a gateway.
RouteSpec default_route(const IpAddress& gateway, std::uint32_t link_index);

}  // namespace cella::netlink
