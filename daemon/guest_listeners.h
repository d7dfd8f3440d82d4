// The sockets of the guest API: accepts what comes from inside of instances, within bounds.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>

#include "api/beast.h"
#include "base/fd.h"
#include "daemon/router.h"
#include "manager/guest_sockets.h"

namespace cella::daemon {

// Serves each instance's socket with the same routes; a request tells by `guest` whose socket it came through. An
// instance may hold kMaxGuestConnections at a time: more wait in the socket's queue, at nobody else's cost. Its requests
// run on threads of their own, so that they cannot keep the API of the host waiting.
inline constexpr int kMaxGuestConnections = 16;

// All calls on any thread; everything but handlers happens on the I/O thread.
class GuestListeners {
 public:
  // io, router: outlive it.
  GuestListeners(boost::asio::io_context& io, const Router& router);
  // Waits for handlers that run.
  ~GuestListeners();
  GuestListeners(const GuestListeners&) = delete;
  GuestListeners& operator=(const GuestListeners&) = delete;

  void open(manager::GuestId id, Fd listener);
  // Connections that are open find the instance gone.
  void close(manager::GuestId id);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

// What a session of a guest holds besides its stream.
class GuestGate;
struct GuestSession {
  GuestSession(std::shared_ptr<GuestGate> entered, boost::asio::io_context& io);
  ~GuestSession();
  GuestSession(const GuestSession&) = delete;
  GuestSession& operator=(const GuestSession&) = delete;

  const std::shared_ptr<GuestGate> gate;
  const manager::GuestId id;
  boost::asio::steady_timer deadline;
  std::atomic<std::uint64_t> sent{0};  // bytes of a streamed answer handed to the socket so far
};

}  // namespace cella::daemon
