// Moves bytes between a descriptor (pipe, pty, socket) and a WebSocket, at the pace of the slower one. Everything here
// happens on the I/O thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/beast.h"
#include "base/fd.h"
#include "daemon/message.h"

namespace cella::daemon {

// A descriptor in non-blocking mode on the I/O thread's loop, shared by the two directions of a pty.
using Descriptor = std::shared_ptr<boost::asio::posix::stream_descriptor>;
// Takes fd over. Errors: kIo when the descriptor cannot be waited for.
Result<Descriptor> make_descriptor(boost::asio::io_context& io, Fd fd);

// Descriptor → WebSocket. At the end of the stream (end of file, EIO of a pty, or finish_when_empty() and nothing left)
// it sends the empty text frame that means end of file, then calls done once.
class OutputRelay : public std::enable_shared_from_this<OutputRelay> {
 public:
  OutputRelay(Descriptor from, std::shared_ptr<WebSocketPeer> to, std::function<void()> done);
  void start();
  // The process has ended: what it wrote is in the descriptor by now. What children left behind may write later is not
  // waited for.
  void finish_when_empty();

 private:
  void wait();
  void move_on();
  void send(std::size_t count);
  void end(bool peer_alive);

  Descriptor from_;
  std::shared_ptr<WebSocketPeer> to_;
  std::function<void()> done_;
  std::string buffer_;
  bool finishing_ = false;
  bool waiting_ = false;
};

// WebSocket → descriptor. An empty text frame, a close frame or a broken connection ends it: on_end is called once with
// how; the relay's share of the descriptor is dropped then.
class InputRelay : public std::enable_shared_from_this<InputRelay> {
 public:
  // Reads ahead until connect() tells where to: some clients send all their input before they open the other sockets,
  // and what the kernel takes of it is not enough.
  InputRelay(std::shared_ptr<WebSocketPeer> from, std::function<void(WebSocketPeer::Ending)> on_end);
  InputRelay(std::shared_ptr<WebSocketPeer> from, Descriptor to, std::function<void(WebSocketPeer::Ending)> on_end);
  void start();
  void connect(Descriptor to);
  // Drops the descriptor: what still comes is read and thrown away.
  void stop_writing();

 private:
  void read();
  void take(std::string_view data);
  void write(std::string data);
  void end(WebSocketPeer::Ending ending);

  std::shared_ptr<WebSocketPeer> from_;
  Descriptor to_;
  std::function<void(WebSocketPeer::Ending)> on_end_;
  std::string pending_;  // being written
  std::string queued_;   // what came meanwhile
  std::optional<WebSocketPeer::Ending> ended_;  // told when all is written
  bool connected_ = false;
  bool reading_ = false;
  bool writing_ = false;
};

}  // namespace cella::daemon
