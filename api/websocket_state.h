// The inside of a client's WebSocket. Only for .cpp files of api/.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "api/client.h"
#include "api/connection.h"

namespace cella::api {

// Blocking calls over an asynchronous stream that lives on the loop's thread: one reader and one writer may wait in it
// at the same time, which Beast's blocking calls do not allow.
class WebSocket::State : public std::enable_shared_from_this<WebSocket::State> {
 public:
  static Result<std::shared_ptr<State>> open(std::shared_ptr<WebSocketLoop> loop, const Endpoint& endpoint,
                                             const std::string& target);

  State(std::shared_ptr<WebSocketLoop> loop, Stream stream) : loop_(std::move(loop)), stream_(std::move(stream)) {}

  Result<Frame> receive();
  Result<void> send(FrameKind kind, std::string_view data);
  Result<void> close(std::string_view reason);
  void abort();

 private:
  std::shared_ptr<WebSocketLoop> loop_;
  WebSocketStream stream_;  // touched on the loop's thread only, once open() is through
  beast::flat_buffer buffer_;
  std::mutex sending_;   // held for the length of one send: Beast takes one writer at a time
  bool closed_ = false;  // guarded by sending_
};

}  // namespace cella::api
