// A SEQPACKET unix socket that carries whole messages together with file descriptors.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/fd.h"

namespace cella {

// The kernel carries at most 253 descriptors in one message (SCM_MAX_FD, unix(7)).
inline constexpr std::size_t kMaxDescriptors = 253;

struct Datagram {
  std::string bytes;
  std::vector<Fd> descriptors;
};

// Both ends of a connected pair, CLOEXEC.
struct SocketPair {
  Fd first;
  Fd second;
};
Result<SocketPair> make_seqpacket_pair();

// Listens on a filesystem path (mode 0600); an old socket file is replaced. Never abstract.
Result<Fd> listen_seqpacket(const std::string& path);
Result<Fd> connect_seqpacket(const std::string& path);

// Sends one message. descriptors are borrowed. Errors: kBusy when a non-blocking socket is full, kIo (EPIPE) when the
// peer is gone. SIGPIPE is never raised.
Result<void> send_datagram(const Fd& socket, std::string_view bytes, std::span<const int> descriptors = {});

// Receives one message of at most max_bytes; longer is kInvalid, and its descriptors are closed. An empty Datagram
// (no bytes) means that the peer closed. flags: as recvmsg(2), for example MSG_DONTWAIT (kBusy when nothing waits).
Result<Datagram> receive_datagram(const Fd& socket, std::size_t max_bytes, int flags = 0);

}  // namespace cella
