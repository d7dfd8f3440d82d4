// Hands the manager's events to WebSocket listeners.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "daemon/message.h"
#include "daemon/router.h"
#include "manager/events.h"

namespace boost::asio {
class io_context;
}

namespace cella::daemon {

// What a listener is told.
struct EventFilter {
  std::set<std::string> types;  // of "operation", "lifecycle", "logging"; empty: all
  std::string project;          // empty: of all projects
  bool unscoped = true;         // log lines and what else belongs to no project

  bool lets_through(const manager::Event& event) const;
};

// Lives on the I/O thread; events may be published on any. Outlived by io and events.
class EventHub {
 public:
  EventHub(boost::asio::io_context& io, manager::Events& events);
  ~EventHub();
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  // A listener that falls too far behind is cut off.
  TakeWebSocket listener(EventFilter filter);
  // Ends all connections. On the I/O thread.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cella::daemon
