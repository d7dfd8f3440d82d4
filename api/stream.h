// A connected byte stream: a unix socket, or TLS over TCP. One type, so that everything above speaks HTTP once.
// Only for the .cpp files that speak HTTP.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "api/beast.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

namespace cella::api {

namespace ssl = boost::asio::ssl;
using TcpSocket = asio::ip::tcp::socket;
using TlsSocket = ssl::stream<TcpSocket>;

// Models Asio's and Beast's synchronous and asynchronous streams. Not thread-safe, except end().
class Stream {
 public:
  using executor_type = asio::any_io_executor;
  using Code = boost::system::error_code;

  explicit Stream(UnixSocket socket) : socket_(std::move(socket)) {}
  // The handshake is still to be made, on tls(). The context must outlive the stream.
  Stream(TcpSocket socket, ssl::context& context) : socket_(std::make_unique<TlsSocket>(std::move(socket), context)) {}

  executor_type get_executor() { return tls() != nullptr ? tls()->get_executor() : unix_socket()->get_executor(); }
  // nullptr for a unix socket.
  TlsSocket* tls() {
    auto* held = std::get_if<std::unique_ptr<TlsSocket>>(&socket_);
    return held == nullptr ? nullptr : held->get();
  }
  UnixSocket* unix_socket() { return std::get_if<UnixSocket>(&socket_); }

  int native_handle() {
    return tls() != nullptr ? tls()->next_layer().native_handle() : unix_socket()->native_handle();
  }
  bool is_open() const {
    if (const auto* held = std::get_if<std::unique_ptr<TlsSocket>>(&socket_)) return (*held)->next_layer().is_open();
    return std::get<UnixSocket>(socket_).is_open();
  }
  void close() {
    Code ignored;
    if (tls() != nullptr) {
      tls()->next_layer().close(ignored);
    } else {
      unix_socket()->close(ignored);
    }
  }
  // Ends both directions at once: calls that wait return. From any thread while the stream lives.
  void end();

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, Code& error) {
    return visit([&](auto& socket) { return socket.read_some(buffers, error); });
  }
  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) {
    return visit([&](auto& socket) { return socket.read_some(buffers); });
  }
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers, Code& error) {
    return visit([&](auto& socket) { return socket.write_some(buffers, error); });
  }
  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers) {
    return visit([&](auto& socket) { return socket.write_some(buffers); });
  }
  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(Code, std::size_t)>(
        [this](auto handler, const Buffers& into) {
          visit([&](auto& socket) { socket.async_read_some(into, std::move(handler)); });
        },
        token, buffers);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(Code, std::size_t)>(
        [this](auto handler, const Buffers& from) {
          visit([&](auto& socket) { socket.async_write_some(from, std::move(handler)); });
        },
        token, buffers);
  }

 private:
  template <typename Call>
  auto visit(Call&& call) {
    return tls() != nullptr ? call(*tls()) : call(*unix_socket());
  }

  std::variant<UnixSocket, std::unique_ptr<TlsSocket>> socket_;
};

// DER of the certificate that the other end of a TLS stream showed and proved to own; empty: none.
std::string peer_certificate(Stream& stream);

// How a WebSocket ends its connection: the socket is closed for writing and read to its end. Beast finds these by name.
void beast_close_socket(Stream& stream);
void teardown(beast::role_type role, Stream& stream, boost::system::error_code& error);
template <typename Handler>
void async_teardown(beast::role_type role, Stream& stream, Handler&& handler) {
  if (stream.tls() != nullptr) {
    beast::websocket::async_teardown(role, stream.tls()->next_layer(), std::forward<Handler>(handler));
  } else {
    beast::websocket::async_teardown(role, *stream.unix_socket(), std::forward<Handler>(handler));
  }
}

// Without permessage-deflate: zlib's windows cost 300 KiB per socket.
using WebSocketStream = beast::websocket::stream<Stream, false>;

}  // namespace cella::api
