#include "api/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "api/x509.h"

namespace cella::api {
namespace {

constexpr timeval kConnectTime{10, 0};

Result<UnixSocket> connect_unix_socket(asio::io_context& context, const std::string& path) {
  UnixSocket socket(context);
  boost::system::error_code error;
  // A path longer than sun_path throws in the endpoint's constructor.
  if (path.empty() || path.size() > 107) return invalid_value("socket", path, "must have 1 to 107 bytes");
  socket.connect(asio::local::stream_protocol::endpoint(path), error);
  if (error) return transport_error(error, "connect to " + path);
  return socket;
}

// SO_SNDTIMEO limits connect(2), SO_RCVTIMEO the wait for the server's half of the handshake.
void limit_time(TcpSocket& socket, timeval time) {
  const int fd = socket.native_handle();
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

// A server that vanished is noticed within a minute or two, also by those who only listen.
void keep_alive(TcpSocket& socket) {
  const int fd = socket.native_handle();
  const int on = 1, idle = 30, interval = 10, unanswered_ms = 60'000;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Result<TcpSocket> connect_tcp(asio::io_context& context, const std::string& host, const std::string& port) {
  boost::system::error_code error;
  asio::ip::tcp::resolver resolver(context);
  const auto found = resolver.resolve(host, port, asio::ip::tcp::resolver::numeric_service, error);
  if (error) return Error(ErrorKind::kNotFound, "find the address of " + host + ": " + error.message());
  TcpSocket socket(context);
  for (const auto& entry : found) {
    socket = TcpSocket(context);
    socket.open(entry.endpoint().protocol(), error);
    if (error) continue;
    limit_time(socket, kConnectTime);
    socket.connect(entry.endpoint(), error);
    if (!error) return socket;
  }
  return transport_error(error, "connect to " + host + " port " + port);
}

Result<std::shared_ptr<ssl::context>> client_context(const TlsServer& server) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  boost::system::error_code error;
  if (!server.client_certificate.empty()) {
    context->use_certificate_chain(asio::buffer(server.client_certificate), error);
    if (!error) context->use_private_key(asio::buffer(server.client_key), ssl::context::pem, error);
    if (error) return Error(ErrorKind::kInvalid, "client certificate: " + error.message());
  }
  const bool by_authority = server.trust == TlsTrust::kAuthorities;
  if (by_authority) context->set_default_verify_paths(error);
  context->set_verify_mode(by_authority ? ssl::verify_peer : ssl::verify_none, error);
  return context;
}

}  // namespace

Result<Endpoint> Endpoint::open(TlsServer server) {
  Endpoint endpoint{std::string()};
  if (server.trust == TlsTrust::kPinned) endpoint.pinned_ = TRY(der_of_pem(server.certificate));
  endpoint.context_ = TRY(client_context(server));
  endpoint.tls_ = std::move(server);
  return endpoint;
}

std::string Endpoint::host() const {
  if (!tls_) return "unix.socket";
  const bool v6 = tls_->host.find(':') != std::string::npos;
  return (v6 ? "[" + tls_->host + "]" : tls_->host) + ":" + tls_->port;
}

Result<Stream> Endpoint::connect(asio::io_context& context) const {
  if (tls_) return connect_tls(context);
  return Stream(TRY(connect_unix_socket(context, path_)));
}

Result<Stream> Endpoint::connect_tls(asio::io_context& context) const {
  Stream stream(TRY(connect_tcp(context, tls_->host, tls_->port)), *context_);
  TlsSocket& tls = *stream.tls();
  // Not for addresses: the extension only takes names.
  boost::system::error_code error;
  asio::ip::make_address(tls_->host, error);
  if (error) SSL_set_tlsext_host_name(tls.native_handle(), tls_->host.c_str());
  if (tls_->trust == TlsTrust::kAuthorities) tls.set_verify_callback(ssl::host_name_verification(tls_->host), error);
  tls.handshake(ssl::stream_base::client, error);
  if (error) return Error(ErrorKind::kIo, "TLS handshake with " + host() + ": " + error.message());
  const std::string presented = peer_certificate(stream);
  if (tls_->trust == TlsTrust::kPinned && presented != pinned_) {
    return Error(ErrorKind::kDenied, "the certificate of " + host() +
                                         " is not the one that was accepted: its fingerprint is " +
                                         fingerprint_of_der(presented));
  }
  limit_time(tls.next_layer(), timeval{0, 0});
  keep_alive(tls.next_layer());
  return stream;
}

Result<std::string> fetch_server_certificate(const std::string& host, const std::string& port) {
  const Endpoint endpoint = TRY(Endpoint::open({.host = host, .port = port, .trust = TlsTrust::kNone}));
  asio::io_context context{1};
  Stream stream = TRY(endpoint.connect(context));
  return pem_of_der(peer_certificate(stream));
}

}  // namespace cella::api
