// Hands each instance's events to the WebSockets that its own processes have opened.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "api/beast.h"
#include "daemon/event_listener.h"
#include "daemon/router.h"
#include "manager/guest_sockets.h"

namespace cella::daemon {

class GuestEvents {
 public:
  explicit GuestEvents(boost::asio::io_context& io) : state_(std::make_shared<State>(io)) {}

  // types: "config", "device"; empty: both.
  TakeWebSocket listener(manager::GuestId id, std::set<std::string> types);
  // On any thread.
  void deliver(manager::GuestId id, const manager::GuestEvent& event);
  // Ends all connections. On the I/O thread.
  void close();

 private:
  struct State {
    explicit State(boost::asio::io_context& context) : io(context) {}
    boost::asio::io_context& io;
    std::map<manager::GuestId, std::set<std::shared_ptr<EventListener>>> listeners;
  };
  std::shared_ptr<State> state_;
};

}  // namespace cella::daemon
