#include "daemon/guest_listeners.h"

#include <spdlog/spdlog.h>

#include "daemon/http_state.h"

namespace cella::daemon {
namespace {

constexpr unsigned kGuestWorkers = 2;

}  // namespace

struct GuestListeners::State {
  State(asio::io_context& io, const Router& router)
      : sessions(std::make_shared<HttpServer::State>(io, router, kGuestWorkers)) {}
  std::shared_ptr<HttpServer::State> sessions;
  std::map<manager::GuestId, std::shared_ptr<GuestGate>> gates;
};

// One instance's listening socket. On the I/O thread.
class GuestGate : public std::enable_shared_from_this<GuestGate> {
 public:
  GuestGate(std::shared_ptr<HttpServer::State> state, manager::GuestId guest, Fd listener)
      : id(guest), state_(std::move(state)), acceptor_(state_->io, asio::local::stream_protocol(), listener.release()) {}

  void accept() {
    if (accepting_ || !acceptor_.is_open() || inside_ >= kMaxGuestConnections) return;
    accepting_ = true;
    acceptor_.async_accept([self = shared_from_this()](boost::system::error_code error, UnixSocket socket) {
      self->accepting_ = false;
      if (error == asio::error::operation_aborted) return;
      if (error) return self->accept_later(error);
      ++self->inside_;
      start_guest_session(self->state_, Stream(std::move(socket)), std::make_shared<GuestSession>(self, self->state_->io));
      self->accept();
    });
  }

  void left() {
    --inside_;
    accept();
  }

  void close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
  }

  asio::io_context& io() { return state_->io; }

  const manager::GuestId id;

 private:
  // No descriptor is left, or no memory: one is tried each second until there is.
  void accept_later(boost::system::error_code error) {
    spdlog::warn("accept from instance failed id={} error=\"{}\"", id.value, error.message());
    retry_.expires_after(std::chrono::seconds(1));
    retry_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
      if (!cancelled) self->accept();
    });
  }

  std::shared_ptr<HttpServer::State> state_;
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer retry_{state_->io};
  int inside_ = 0;
  bool accepting_ = false;
};

GuestSession::GuestSession(std::shared_ptr<GuestGate> entered, asio::io_context& io)
    : gate(std::move(entered)), id(gate->id), deadline(io) {}

// The last pointer may be a worker's.
GuestSession::~GuestSession() {
  asio::post(gate->io(), [gate = gate] { gate->left(); });
}

GuestListeners::GuestListeners(asio::io_context& io, const Router& router)
    : state_(std::make_shared<State>(io, router)) {}

GuestListeners::~GuestListeners() {
  state_->sessions->workers.join();
  state_->sessions->transfers.wait_for_all();
}

void GuestListeners::open(manager::GuestId id, Fd listener) {
  auto owned = std::make_shared<Fd>(std::move(listener));
  asio::post(state_->sessions->io, [state = state_, id, owned] {
    auto gate = std::make_shared<GuestGate>(state->sessions, id, std::move(*owned));
    auto& place = state->gates[id];
    if (place) place->close();
    place = std::move(gate);
    place->accept();
  });
}

void GuestListeners::close(manager::GuestId id) {
  asio::post(state_->sessions->io, [state = state_, id] {
    const auto found = state->gates.find(id);
    if (found == state->gates.end()) return;
    found->second->close();
    state->gates.erase(found);
  });
}

}  // namespace cella::daemon
