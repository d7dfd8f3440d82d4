// One WebSocket that hears of events and has nothing to say.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "api/beast.h"
#include "daemon/message.h"

namespace cella::daemon {

// Lives on the I/O thread. A listener that falls too far behind is cut off, and so is one that is silently gone.
class EventListener : public std::enable_shared_from_this<EventListener> {
 public:
  using Frame = std::shared_ptr<const std::string>;

  // types: what it wants to hear of; empty: everything. on_end: called once.
  EventListener(boost::asio::io_context& io, std::shared_ptr<WebSocketPeer> peer, std::set<std::string> types,
                std::function<void(EventListener&)> on_end);
  void start();
  void deliver(const std::string& type, const Frame& frame);
  void end();

 private:
  void read();
  void send();
  void ping_later();

  std::shared_ptr<WebSocketPeer> peer_;
  std::set<std::string> types_;
  std::function<void(EventListener&)> on_end_;
  boost::asio::steady_timer timer_;
  std::deque<Frame> queue_;
  std::size_t queued_bytes_ = 0;
};

}  // namespace cella::daemon
