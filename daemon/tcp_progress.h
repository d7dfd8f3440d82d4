// How much of what was sent the other end has taken.
#pragma once

#include <cstdint>

namespace cella::daemon {

// Bytes of a TCP connection that the peer has acknowledged; 0 for other sockets. Source: TCP_INFO, tcp(7).
std::uint64_t bytes_acknowledged(int socket);

}  // namespace cella::daemon
