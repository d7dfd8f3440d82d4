// The listening sockets of one proxy and the connections that came in by them.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/keeper_loop.h"
#include "runtime/proxy_messages.h"
#include "runtime/proxy_relay.h"

namespace cella::runtime {

// What one proxy may have open at a time: further connections wait in their socket's queue, of further senders of
// datagrams the one silent for longest is forgotten.
inline constexpr std::size_t kMaxProxyConnections = 4096;
inline constexpr std::size_t kMaxProxyPeers = 1024;
// A sender of datagrams that is silent for this long is forgotten.
inline constexpr std::chrono::minutes kProxyPeerTime{30};

// loop, init and home outlive it. Not thread-safe.
class ProxyEntrances {
 public:
  ProxyEntrances(EventLoop& loop, ProxyRule rule, const PidFd& init, const Fd& home);
  ~ProxyEntrances();
  ProxyEntrances(const ProxyEntrances&) = delete;
  ProxyEntrances& operator=(const ProxyEntrances&) = delete;

  Result<void> add(const ProxyEntry& entry, Fd socket);
  const ProxyRule& rule() const { return rule_; }
  // Forgets silent senders, and accepts again where descriptors had run out. To be called every now and then.
  void tidy();

 private:
  class Entrance;
  class StreamEntrance;
  class DatagramEntrance;
  using Relays = std::list<std::unique_ptr<Relay>>;

  // Connects to the target for a relay whose near end is set.
  Result<void> dial(Relay& relay, std::uint16_t port, std::string greeting);
  void admit(Fd client, const ProxyEntry& entry);

  EventLoop& loop_;
  const ProxyRule rule_;
  const PidFd& init_;
  const Fd& home_;
  std::vector<std::unique_ptr<Entrance>> entrances_;
  Relays relays_;  // of streams
};

// "PROXY TCP4 192.0.2.1 198.51.100.1 4711 80\r\n" for a connected tcp socket, "PROXY UNKNOWN\r\n" for another.
// Source: the PROXY protocol, version 1 (haproxy.org).
std::string proxy_line(const Fd& client);

}  // namespace cella::runtime
