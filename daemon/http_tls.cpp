// Accepting TLS: who is let as far as a handshake.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <spdlog/spdlog.h>

#include "daemon/http_state.h"

namespace cella::daemon {
namespace {

namespace ssl = api::ssl;

// Connections of clients that have not shown a trusted certificate: a handshake and a session cost about 100 KiB.
constexpr int kMaxStrangers = 128;
constexpr int kMaxStrangersPerAddress = 32;

// Every certificate is taken: what it is trusted with is decided for each request.
int take_certificate(int, X509_STORE_CTX*) { return 1; }

Result<std::shared_ptr<ssl::context>> server_context(const TlsIdentity& identity) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
  // No resumption: each connection proves its certificate again.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  // Asked for, not required. SAFETY: the callback only says yes.
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, take_certificate);
  boost::system::error_code error;
  context->use_certificate_chain(asio::buffer(identity.certificate), error);
  if (!error) context->use_private_key(asio::buffer(identity.key), ssl::context::pem, error);
  if (error) return Error(ErrorKind::kInvalid, "server certificate: " + error.message());
  return context;
}

// A peer that vanished ends its connection within a minute, whatever waits on it.
void watch_peer(int fd) {
  const int on = 1, idle = 30, interval = 10, unanswered_ms = 60'000;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::string text_of(const asio::ip::tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

}  // namespace

std::shared_ptr<TlsGate::Place> TlsGate::Place::take(std::shared_ptr<Strangers> strangers, std::string address) {
  const std::lock_guard lock(strangers->mutex);
  if (strangers->all >= kMaxStrangers) return nullptr;
  int& from_there = strangers->by_address[address];
  if (from_there >= kMaxStrangersPerAddress) return nullptr;
  ++from_there;
  ++strangers->all;
  return std::make_shared<Place>(std::move(strangers), std::move(address));
}

TlsGate::Place::~Place() {
  const std::lock_guard lock(strangers_->mutex);
  --strangers_->all;
  const auto found = strangers_->by_address.find(address_);
  if (--found->second == 0) strangers_->by_address.erase(found);
}

TlsGate::TlsGate(const std::shared_ptr<HttpServer::State>& state) : state_(state), retry_(state->io) {}

Result<std::shared_ptr<TlsGate>> TlsGate::open(const std::shared_ptr<HttpServer::State>& state,
                                               std::vector<Fd> listeners, const TlsIdentity& identity) {
  std::shared_ptr<TlsGate> gate(new TlsGate(state));
  if (listeners.empty()) return gate;
  gate->context_ = TRY(server_context(identity));
  for (Fd& listener : listeners) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    // SAFETY: sockaddr_storage holds any address.
    getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length);
    const auto protocol = address.ss_family == AF_INET6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
    gate->acceptors_.emplace_back(state->io, protocol, listener.release());
  }
  return gate;
}

void TlsGate::accept() {
  for (auto& acceptor : acceptors_) accept_next(acceptor);
}

void TlsGate::close() {
  boost::system::error_code ignored;
  for (auto& acceptor : acceptors_) acceptor.close(ignored);
  retry_.cancel();
}

void TlsGate::accept_next(asio::ip::tcp::acceptor& acceptor) {
  if (!acceptor.is_open()) return;
  acceptor.async_accept([self = shared_from_this(), &acceptor](boost::system::error_code error, api::TcpSocket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      // As for the unix socket: a session that ends frees what is missing.
      spdlog::warn("accept failed error=\"{}\"", error.message());
      self->retry_.expires_after(std::chrono::seconds(1));
      self->retry_.async_wait([self, &acceptor](boost::system::error_code) { self->accept_next(acceptor); });
      return;
    }
    self->admit(std::move(socket));
    self->accept_next(acceptor);
  });
}

void TlsGate::admit(api::TcpSocket socket) {
  const auto state = state_.lock();
  boost::system::error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (!state || error) return;
  auto place = Place::take(strangers_, peer.address().to_string());
  if (!place) {
    spdlog::warn("connection refused: too many clients that are not trusted address={}", text_of(peer));
    return;
  }
  watch_peer(socket.native_handle());
  auto tls = std::make_shared<TlsSession>(context_, std::move(place), text_of(peer), state->io);
  start_session(state, Stream(std::move(socket), *context_), std::move(tls));
}

}  // namespace cella::daemon
