// Sockets of the proxy worker that are made in another namespace.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "runtime/proxy_messages.h"

namespace cella::runtime {

// Connects by tcp or udp without waiting: a tcp socket may still be connecting. inside: pidfd of the container's init
// when the target is in its network namespace; home: the caller's own network namespace, to which it returns. The caller
// must be single-threaded. Errors: kNotFound when the container has ended; those of connect(2).
Result<Fd> dial_ip(const ProxyTarget& target, std::uint16_t port, const PidFd& inside, const Fd& home);

// Unix sockets are reached from a process of their own: names are resolved inside the container with its own rights, and
// a file system that does not answer (FUSE) keeps nobody else waiting. The result is the end on which a 4-byte errno
// comes and, with errno 0, the connected socket. The process ends by itself within 10 s.
// Errors: the process could not be started.
Result<Fd> dial_unix(const ProxyTarget& target, const PidFd& inside);

// The same for a listening socket in a container; it reports to `report`.
Result<void> listen_inside(const InnerListener& wanted, const PidFd& inside, const Fd& report);

}  // namespace cella::runtime
