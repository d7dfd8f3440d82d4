// Traffic shaping of a link's outgoing queue (htb).
#pragma once

#include <cstdint>

#include "netlink/message.h"

namespace cella::netlink {

// Limits what leaves through a link (for a host's veth end: what the container receives): htb root "1:", all traffic in
// class 1:10. Two messages. bits_per_second: 8 to 2^63.
// Source: tc-htb(8); lxd-5.0.2 does the same with tc.
void add_rate_limit(Batch& batch, std::uint32_t link_index, std::uint64_t bits_per_second);

// Back to the default queue. Fails with ENOENT when there was no limit.
void remove_rate_limit(Batch& batch, std::uint32_t link_index);

}  // namespace cella::netlink
