// dnsmasq's lease file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cella::manager {

struct DhcpLease {
  std::int64_t expiry = 0;  // seconds since the epoch; 0: never
  std::string mac;          // for IPv6 the MAC is only in the DUID: empty
  std::string address;
  std::string hostname;     // empty when the client gave none
};

// Lines like "1700000000 00:16:3e:01:02:03 10.1.2.3 c1 01:00:16:3e:01:02:03", after a "duid …" line IPv6 leases with an
// IAID in the second place. Lines that are neither are skipped.
std::vector<DhcpLease> parse_leases(std::string_view text);

}  // namespace cella::manager
