#include "daemon/event_hub.h"

#include <deque>

#include <spdlog/spdlog.h>

#include "api/beast.h"
#include "api/codec.h"
#include "daemon/wire.h"

namespace cella::daemon {
namespace {

namespace asio = boost::asio;

// What may wait for one listener.
constexpr std::size_t kMaxQueuedBytes = 4u << 20;
constexpr std::chrono::seconds kPingInterval{10};

using Frame = std::shared_ptr<const std::string>;

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(asio::io_context& io, std::shared_ptr<WebSocketPeer> peer, std::set<std::string> types,
           std::function<void(Listener&)> on_end)
      : peer_(std::move(peer)), types_(std::move(types)), on_end_(std::move(on_end)), timer_(io) {}

  void start() {
    read();
    ping_later();
  }

  void deliver(const std::string& type, const Frame& frame) {
    if (!peer_ || (!types_.empty() && !types_.contains(type))) return;
    if (queued_bytes_ + frame->size() > kMaxQueuedBytes) {
      spdlog::warn("event listener cut off: it does not read");
      return end();
    }
    queued_bytes_ += frame->size();
    queue_.push_back(frame);
    if (queue_.size() == 1) send();
  }

  void end() {
    timer_.cancel();
    if (const auto peer = std::exchange(peer_, nullptr)) peer->close();
    if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(*this);
  }

 private:
  // Listeners have nothing to say: reading answers pings and notices the end.
  void read() {
    peer_->read([self = shared_from_this()](FrameKind kind, std::string_view, WebSocketPeer::Ending) {
      if (kind == FrameKind::kClosed) return self->end();
      if (self->peer_) self->read();
    });
  }

  void send() {
    peer_->write(FrameKind::kText, *queue_.front(), [self = shared_from_this(), frame = queue_.front()](bool sent) {
      self->queued_bytes_ -= frame->size();
      self->queue_.pop_front();
      if (!sent) return self->end();
      if (self->peer_ && !self->queue_.empty()) self->send();
    });
  }

  void ping_later() {
    timer_.expires_after(kPingInterval);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error || !self->peer_) return;
      self->peer_->ping("keepalive", [self](bool sent) {
        if (!sent) return self->end();
        if (self->peer_) self->ping_later();
      });
    });
  }

  std::shared_ptr<WebSocketPeer> peer_;
  std::set<std::string> types_;
  std::function<void(Listener&)> on_end_;
  asio::steady_timer timer_;
  std::deque<Frame> queue_;
  std::size_t queued_bytes_ = 0;
};

}  // namespace

struct EventHub::State {
  explicit State(asio::io_context& context) : io(context) {}
  asio::io_context& io;
  std::set<std::shared_ptr<Listener>> listeners;
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
    auto listener = std::make_shared<Listener>(state->io, std::move(peer), types, [state](Listener& ended) {
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
