// Sending pre-encoded rtnetlink messages. Runs on both sides of the clone: no allocation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cella::runtime {

struct BatchOutcome {
  int errno_value = 0;      // 0: every message was acknowledged
  std::uint32_t index = 0;  // the message that failed
};

// Sends the batch in one send(2) and reads one acknowledgement per message. All messages must carry NLM_F_ACK, their
// sequence numbers are taken in order of arrival. socket: AF_NETLINK, NETLINK_ROUTE, blocking.
BatchOutcome send_netlink_batch(int socket, const char* bytes, std::size_t length) noexcept;

// A blocking NETLINK_ROUTE socket in the caller's network namespace; -1 and errno.
int open_route_socket() noexcept;

}  // namespace cella::runtime
