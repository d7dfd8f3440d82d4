// What the kernel says about a namespace's links, addresses and routes. Works on a socket bound in any namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netlink/ip.h"
#include "netlink/socket.h"

namespace cella::netlink {

struct LinkCounters {
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t errors_received = 0;
  std::uint64_t errors_sent = 0;
  std::uint64_t packets_dropped_inbound = 0;
  std::uint64_t packets_dropped_outbound = 0;
};

struct BridgeDetails {
  std::string id;  // "8000.00163e45cf79"
  bool stp = false;
  std::uint64_t forward_delay_cs = 0;
  std::uint16_t vlan_default = 0;
  bool vlan_filtering = false;
};

struct Link {
  std::uint32_t index = 0;
  std::string name;
  std::uint32_t flags = 0;   // IFF_*
  std::uint16_t type = 0;    // ARPHRD_*
  std::uint32_t mtu = 0;
  std::string kind;          // "veth", "bridge"; empty for hardware
  std::string alias;
  MacAddress mac;            // zero when the link has none of six bytes
  std::uint32_t master = 0;
  std::uint32_t peer_index = 0;                // IFLA_LINK: the other end of a veth
  std::optional<std::uint32_t> peer_namespace; // id of the namespace that end is in
  bool running = false;                        // operational state up (or unknown with IFF_LOWER_UP)
  LinkCounters counters;
  std::optional<BridgeDetails> bridge;

  bool up() const { return (flags & 1u) != 0; }
};

enum class AddressScope : std::uint8_t { kGlobal, kLink, kLocal };
struct LinkAddress {
  std::uint32_t link_index = 0;
  IpPrefix address;
  AddressScope scope = AddressScope::kGlobal;
};

struct Route {
  IpPrefix destination;
  std::optional<IpAddress> gateway;
  std::uint32_t link_index = 0;
  std::uint32_t table = 0;
  std::uint8_t protocol = 0;  // RTPROT_*: who made it
};

// Each asks again by itself when the kernel says the dump was interrupted (up to 8 times, then kBusy).
Result<std::vector<Link>> list_links(Socket& socket);
Result<std::vector<LinkAddress>> list_addresses(Socket& socket);
Result<std::vector<Route>> list_routes(Socket& socket);

// One link by name. Errors: kNotFound naming it.
Result<Link> find_link(Socket& socket, const std::string& name);

// Reading the answers, for tests.
Link decode_link(const MessageView& message);
std::optional<LinkAddress> decode_address(const MessageView& message);
std::optional<Route> decode_route(const MessageView& message);

}  // namespace cella::netlink
