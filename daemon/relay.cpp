#include "daemon/relay.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace cella::daemon {
namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

constexpr std::size_t kPieceBytes = 32u << 10;
// Input that is kept for a command whose other sockets are still to come.
constexpr std::size_t kMostReadAhead = 4u << 20;

}  // namespace

Result<Descriptor> make_descriptor(asio::io_context& io, Fd fd) {
  auto descriptor = std::make_shared<stream_descriptor>(io);
  boost::system::error_code error;
  descriptor->assign(fd.release(), error);
  if (!error) descriptor->native_non_blocking(true, error);
  if (error) return Error(ErrorKind::kIo, "watch a descriptor: " + error.message());
  return descriptor;
}

OutputRelay::OutputRelay(Descriptor from, std::shared_ptr<WebSocketPeer> to, std::function<void()> done)
    : from_(std::move(from)), to_(std::move(to)), done_(std::move(done)) {}

void OutputRelay::start() { move_on(); }

void OutputRelay::finish_when_empty() {
  finishing_ = true;
  // Wakes wait(); a send that is under way looks at finishing_ afterwards. The other direction of a pty has no wait of
  // kind read, and its writes are taken up again.
  if (waiting_ && from_) {
    boost::system::error_code ignored;
    from_->cancel(ignored);
  }
}

void OutputRelay::wait() {
  buffer_ = std::string();  // a waiting relay holds no memory
  waiting_ = true;
  from_->async_wait(stream_descriptor::wait_read, [self = shared_from_this()](boost::system::error_code) {
    self->waiting_ = false;
    self->move_on();
  });
}

// Reads what is there without blocking; an error of the wait before shows up here again.
void OutputRelay::move_on() {
  if (!from_) return;
  buffer_.resize(kPieceBytes);
  ssize_t count = 0;
  do {
    count = read(from_->native_handle(), buffer_.data(), buffer_.size());
  } while (count < 0 && errno == EINTR);
  if (count > 0) return send(static_cast<std::size_t>(count));
  if (count < 0 && errno == EAGAIN && !finishing_) return wait();
  end(true);
}

void OutputRelay::send(std::size_t count) {
  to_->write(FrameKind::kBinary, {buffer_.data(), count}, [self = shared_from_this()](bool sent) {
    if (!sent) return self->end(false);
    self->move_on();
  });
}

void OutputRelay::end(bool peer_alive) {
  from_.reset();  // a process that still writes gets EPIPE
  buffer_ = std::string();
  const auto finish = [self = shared_from_this()](bool) {
    if (const auto done = std::exchange(self->done_, nullptr)) done();
  };
  if (!peer_alive) return finish(false);
  to_->write(FrameKind::kText, "", finish);
}

InputRelay::InputRelay(std::shared_ptr<WebSocketPeer> from, std::function<void(WebSocketPeer::Ending)> on_end)
    : from_(std::move(from)), on_end_(std::move(on_end)) {}

InputRelay::InputRelay(std::shared_ptr<WebSocketPeer> from, Descriptor to,
                       std::function<void(WebSocketPeer::Ending)> on_end)
    : from_(std::move(from)), to_(std::move(to)), on_end_(std::move(on_end)), connected_(true) {}

void InputRelay::start() { read(); }

void InputRelay::connect(Descriptor to) {
  connected_ = true;
  to_ = std::move(to);
  if (!queued_.empty()) return write(std::exchange(queued_, std::string()));
  if (ended_) end(*ended_);
}

void InputRelay::stop_writing() {
  boost::system::error_code ignored;
  if (to_) to_->cancel(ignored);
  to_.reset();
  connected_ = true;
  queued_ = std::string();
}

void InputRelay::read() {
  if (std::exchange(reading_, true)) return;
  from_->read([self = shared_from_this()](FrameKind kind, std::string_view data, WebSocketPeer::Ending ending) {
    self->reading_ = false;
    if (kind == FrameKind::kClosed) return self->end(ending);
    // Some clients send text frames with text in them; an empty one is the end of the input.
    if (kind == FrameKind::kText && data.empty()) return self->end(WebSocketPeer::Ending::kNone);
    self->take(data);
  });
}

void InputRelay::take(std::string_view data) {
  if (!connected_ || writing_) {
    queued_ += data;
    if (!connected_ && queued_.size() < kMostReadAhead) read();
    return;
  }
  if (!to_ || data.empty()) return read();
  write(std::string(data));
}

void InputRelay::write(std::string data) {
  writing_ = true;
  pending_ = std::move(data);
  asio::async_write(*to_, asio::buffer(pending_),
                    [self = shared_from_this(), to = to_](boost::system::error_code error, std::size_t) {
                      self->writing_ = false;
                      // The process closed its end: the rest of the input goes nowhere, as in a pipe.
                      if (error && error != asio::error::operation_aborted) self->to_.reset();
                      if (self->to_ && !self->queued_.empty()) {
                        return self->write(std::exchange(self->queued_, std::string()));
                      }
                      if (self->ended_) return self->end(*self->ended_);
                      self->read();
                    });
}

void InputRelay::end(WebSocketPeer::Ending ending) {
  if (!connected_ || writing_) {
    ended_ = ending;
    return;
  }
  to_.reset();
  pending_ = std::string();
  if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(ending);
}

}  // namespace cella::daemon
