// What the parts of the client share: where a server is, a connection to it, and how its errors are told. Only for .cpp
// files of api/.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/client.h"
#include "api/stream.h"
#include "base/result.h"

namespace cella::api {

// A server's address with what it takes to connect there. Copies share the TLS context.
class Endpoint {
 public:
  explicit Endpoint(std::string path) : path_(std::move(path)) {}
  // Errors: kInvalid for a broken certificate or key.
  static Result<Endpoint> open(TlsServer server);

  // For the Host header.
  std::string host() const;
  // Connects, and for TLS makes the handshake and checks whose certificate it is. Errors name the address; kDenied for
  // another certificate than the pinned one.
  Result<Stream> connect(asio::io_context& context) const;

 private:
  Result<Stream> connect_tls(asio::io_context& context) const;

  std::string path_;  // of the unix socket
  std::optional<TlsServer> tls_;
  std::string pinned_;  // DER of the server's certificate; empty: the system's authorities vouch for it
  std::shared_ptr<ssl::context> context_;
};

// The Error for a failed call; its kind comes from errno where there is one (kIo else).
Error transport_error(const boost::system::error_code& error, const std::string& what);

// Runs WebSockets of one client on a thread of its own, which ends with the last of them.
class WebSocketLoop {
 public:
  WebSocketLoop();
  ~WebSocketLoop();
  WebSocketLoop(const WebSocketLoop&) = delete;
  WebSocketLoop& operator=(const WebSocketLoop&) = delete;
  asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cella::api
