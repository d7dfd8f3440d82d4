// One connection of a proxy: what comes in at one end goes out at the other.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/keeper_loop.h"
#include "runtime/proxy_messages.h"

namespace cella::runtime {

// A peer of a bound datagram socket: who it is, and which of this host's addresses it sent to.
struct DatagramPeer {
  std::string address;  // sockaddr bytes
  std::string control;  // the IP_PKTINFO or IPV6_PKTINFO message with which answers leave from the same address
};

// Copies between a near end (who connected) and a far end (the target) until both have ended. Descriptors that come with
// bytes are passed on when both ends are unix sockets. At most 64 KiB wait in each direction: an end that does not read
// stops the other. Not thread-safe; destroyed by its owner, at the latest when it says so.
class Relay {
 public:
  // loop outlives the relay. ended: called once, by ready() of one of its sockets; may destroy the relay.
  Relay(EventLoop& loop, std::function<void()> ended);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  void set_near(Fd socket, ProxyKind kind);
  // The near end shares its socket with others: deliver() is its reading. socket outlives the relay.
  void set_near(const Fd& socket, DatagramPeer peer);

  // greeting: what the far end gets first. far: connected or (tcp) still connecting.
  Result<void> start(Fd far, ProxyKind kind, std::string greeting);
  // The far end is yet to come, by a message on report: an errno, and the socket.
  Result<void> start_later(Fd report, ProxyKind kind, std::string greeting);

  // A datagram of the shared near end. Dropped when the far end takes too slowly. false: the far end is broken.
  bool deliver(std::string_view data);
  std::chrono::steady_clock::time_point last_used() const { return last_used_; }

 private:
  class Side;
  class Arrival;

  void serve(Side& side, std::uint32_t events);
  void arrived();
  bool take(Side& from, Side& to);
  bool take_datagram(Side& from, Side& to);
  Result<void> settle();
  Side& other(const Side& side) { return &side == near_.get() ? *far_ : *near_; }

  EventLoop& loop_;
  std::function<void()> ended_;
  std::unique_ptr<Side> near_;
  std::unique_ptr<Side> far_;
  std::unique_ptr<Arrival> arrival_;
  std::chrono::steady_clock::time_point last_used_;
};

}  // namespace cella::runtime
