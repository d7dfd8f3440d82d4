#include "daemon/event_listener.h"

#include <spdlog/spdlog.h>

namespace cella::daemon {
namespace {

// What may wait for one listener.
constexpr std::size_t kMaxQueuedBytes = 4u << 20;
constexpr std::chrono::seconds kPingInterval{10};

}  // namespace

EventListener::EventListener(boost::asio::io_context& io, std::shared_ptr<WebSocketPeer> peer,
                             std::set<std::string> types, std::function<void(EventListener&)> on_end)
    : peer_(std::move(peer)), types_(std::move(types)), on_end_(std::move(on_end)), timer_(io) {}

void EventListener::start() {
  read();
  ping_later();
}

void EventListener::deliver(const std::string& type, const Frame& frame) {
  if (!peer_ || (!types_.empty() && !types_.contains(type))) return;
  if (queued_bytes_ + frame->size() > kMaxQueuedBytes) {
    spdlog::warn("event listener cut off: it does not read");
    return end();
  }
  queued_bytes_ += frame->size();
  queue_.push_back(frame);
  if (queue_.size() == 1) send();
}

void EventListener::end() {
  timer_.cancel();
  if (const auto peer = std::exchange(peer_, nullptr)) peer->close();
  if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(*this);
}

// Reading answers pings and notices the end.
void EventListener::read() {
  peer_->read([self = shared_from_this()](FrameKind kind, std::string_view, WebSocketPeer::Ending) {
    if (kind == FrameKind::kClosed) return self->end();
    if (self->peer_) self->read();
  });
}

void EventListener::send() {
  peer_->write(FrameKind::kText, *queue_.front(), [self = shared_from_this(), frame = queue_.front()](bool sent) {
    self->queued_bytes_ -= frame->size();
    self->queue_.pop_front();
    if (!sent) return self->end();
    if (self->peer_ && !self->queue_.empty()) self->send();
  });
}

void EventListener::ping_later() {
  timer_.expires_after(kPingInterval);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (error || !self->peer_) return;
    self->peer_->ping("keepalive", [self](bool sent) {
      if (!sent) return self->end();
      if (self->peer_) self->ping_later();
    });
  });
}

}  // namespace cella::daemon
