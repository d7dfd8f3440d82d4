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
  std::set<std::shared_ptr<EventListener>> listeners;
  std::atomic<int> count{0};  // of listeners, for publishers
  manager::Events::Subscription subscription;
};

EventHub::EventHub(asio::io_context& io, manager::Events& events) : state_(std::make_shared<State>(io)) {
  state_->subscription = events.subscribe([state = std::weak_ptr(state_)](const manager::Event& event) {
    const std::shared_ptr<State> hub = state.lock();
    if (!hub || hub->count.load() == 0) return;
    const auto frame = std::make_shared<const std::string>(api::encode(to_wire(event)));
    asio::post(hub->io, [hub, frame, type = std::string(manager::event_type_text(event.type()))] {
      const auto listeners = hub->listeners;  // delivering may end one
      for (const auto& listener : listeners) listener->deliver(type, frame);
    });
  });
}

EventHub::~EventHub() { state_->subscription.cancel(); }

TakeWebSocket EventHub::listener(std::set<std::string> types) {
  return [state = state_, types = std::move(types)](std::shared_ptr<WebSocketPeer> peer) {
    auto listener = std::make_shared<EventListener>(state->io, std::move(peer), types, [state](EventListener& ended) {
      state->listeners.erase(ended.shared_from_this());
      state->count.store(static_cast<int>(state->listeners.size()));
    });
    state->listeners.insert(listener);
    state->count.store(static_cast<int>(state->listeners.size()));
    listener->start();
  };
}

void EventHub::close() {
  const auto listeners = state_->listeners;
  for (const auto& listener : listeners) listener->end();
}

}  // namespace cella::daemon
