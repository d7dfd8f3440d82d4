#include "daemon/event_hub.h"

#include "api/beast.h"
#include "api/codec.h"
#include "daemon/event_listener.h"
#include "daemon/wire.h"

namespace cella::daemon {

namespace asio = boost::asio;

struct EventHub::State {
  explicit State(asio::io_context& context) : io(context) {}
  asio::io_context& io;
  std::map<std::shared_ptr<EventListener>, EventFilter> listeners;
  std::atomic<int> count{0};  // of listeners, for publishers
  manager::Events::Subscription subscription;
};

EventHub::EventHub(asio::io_context& io, manager::Events& events) : state_(std::make_shared<State>(io)) {
  state_->subscription = events.subscribe([state = std::weak_ptr(state_)](const manager::Event& event) {
    const std::shared_ptr<State> hub = state.lock();
    if (!hub || hub->count.load() == 0) return;
    const auto frame = std::make_shared<const std::string>(api::encode(to_wire(event)));
    asio::post(hub->io, [hub, frame, event] {
      const std::string type(manager::event_type_text(event.type()));
      const auto listeners = hub->listeners;  // delivering may end one
      for (const auto& [listener, filter] : listeners) {
        if (filter.lets_through(event)) listener->deliver(type, frame);
      }
    });
  });
}

EventHub::~EventHub() { state_->subscription.cancel(); }

bool EventFilter::lets_through(const manager::Event& event) const {
  if (!types.empty() && !types.contains(std::string(manager::event_type_text(event.type())))) return false;
  if (event.project.empty()) return unscoped;
  return project.empty() || event.project == project;
}

TakeWebSocket EventHub::listener(EventFilter filter) {
  return [state = state_, filter = std::move(filter)](std::shared_ptr<WebSocketPeer> peer) {
    auto listener =
        std::make_shared<EventListener>(state->io, std::move(peer), filter.types, [state](EventListener& ended) {
          state->listeners.erase(ended.shared_from_this());
          state->count.store(static_cast<int>(state->listeners.size()));
        });
    state->listeners.emplace(listener, filter);
    state->count.store(static_cast<int>(state->listeners.size()));
    listener->start();
  };
}

void EventHub::close() {
  const auto listeners = state_->listeners;
  for (const auto& [listener, filter] : listeners) listener->end();
}

}  // namespace cella::daemon
