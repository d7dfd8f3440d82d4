// What the parts of the client share: a connected socket and how its errors are told. Only for .cpp files of api/.
#pragma once

#include <string>

#include "api/beast.h"
#include "base/result.h"

namespace cella::api {

// Connects to a unix socket. Errors name the path.
Result<UnixSocket> connect_socket(asio::io_context& context, const std::string& path);

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
