#include "daemon/guest_events.h"

#include "daemon/wire.h"

namespace cella::daemon {
namespace {

namespace asio = boost::asio;

std::string frame_of(const manager::GuestEvent& event) {
  return encode_value(manager::Value::Object{{"type", event.type},
                                             {"timestamp", time_to_wire(std::chrono::system_clock::now())},
                                             {"metadata", event.metadata}});
}

}  // namespace

TakeWebSocket GuestEvents::listener(manager::GuestId id, std::set<std::string> types) {
  return [state = state_, id, types = std::move(types)](std::shared_ptr<WebSocketPeer> peer) {
    auto listener = std::make_shared<EventListener>(state->io, std::move(peer), types, [state, id](EventListener& ended) {
      const auto found = state->listeners.find(id);
      if (found == state->listeners.end()) return;
      found->second.erase(ended.shared_from_this());
      if (found->second.empty()) state->listeners.erase(found);
    });
    state->listeners[id].insert(listener);
    listener->start();
  };
}

void GuestEvents::deliver(manager::GuestId id, const manager::GuestEvent& event) {
  auto frame = std::make_shared<const std::string>(frame_of(event));
  asio::post(state_->io, [state = state_, id, type = event.type, frame] {
    const auto found = state->listeners.find(id);
    if (found == state->listeners.end()) return;
    const auto listeners = found->second;  // delivering may end one
    for (const auto& listener : listeners) listener->deliver(type, frame);
  });
}

void GuestEvents::close() {
  const auto all = state_->listeners;
  for (const auto& [id, listeners] : all) {
    for (const auto& listener : listeners) listener->end();
  }
}

}  // namespace cella::daemon
