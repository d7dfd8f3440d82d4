// WebSocketPeer over Beast.
#include <chrono>
#include <string>

#include "daemon/http_state.h"

namespace cella::daemon {
namespace {

namespace ws = beast::websocket;

// What one read takes at most; a text message (control messages are small) may have kMaxText in all.
constexpr std::size_t kReadBytes = 64u << 10;
constexpr std::size_t kMaxText = 1u << 20;
// How long a client may take to open, and to answer a close frame.
constexpr std::chrono::seconds kHandshakePatience{10};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Stream stream, std::shared_ptr<void> kept) : kept_(std::move(kept)), stream_(std::move(stream)) {}

  void accept(http::request<http::empty_body> request, TakeWebSocket take);
  void read(WebSocketPeer::OnFrame callback) {
    on_frame_ = std::move(callback);
    read_more();
  }

  void write(FrameKind kind, std::string_view data, std::function<void(bool)> callback) {
    stream_.text(kind == FrameKind::kText);
    stream_.async_write(asio::buffer(data.data(), data.size()),
                        [self = shared_from_this(), callback = std::move(callback)](boost::system::error_code error,
                                                                                    std::size_t) { callback(!error); });
  }

  void ping(std::string_view payload, std::function<void(bool)> callback) {
    stream_.async_ping(ws::ping_data(payload.data(), payload.size()),
                       [self = shared_from_this(), callback = std::move(callback)](boost::system::error_code error) {
                         callback(!error);
                       });
  }

  // The socket stays until the client has answered: writing its answer into a closed one would be an error to it.
  void close() {
    closing_ = true;
    stream_.async_close(ws::close_code::normal, [self = shared_from_this()](boost::system::error_code) { self->end(); });
  }

  void read_whole(std::size_t limit) { whole_limit_ = limit; }
  void drop() {
    if (!closing_) end();
  }

 private:
  void end() { stream_.next_layer().close(); }

  void read_more() {
    stream_.async_read_some(
        buffer_, kReadBytes,
        [self = shared_from_this()](boost::system::error_code error, std::size_t) { self->on_read(error); });
  }

  void on_read(boost::system::error_code error) {
    if (error) {
      const bool orderly = error == ws::error::closed && stream_.reason().code != ws::close_code::abnormal;
      return deliver(FrameKind::kClosed, orderly ? WebSocketPeer::Ending::kOrderly : WebSocketPeer::Ending::kVanished);
    }
    const bool text = stream_.got_text();
    // Text is delivered whole, bytes as they come.
    if (!stream_.is_message_done() && (text || whole_limit_ > 0 || buffer_.size() == 0)) {
      if (buffer_.size() > (text ? kMaxText : whole_limit_)) {
        end();
        return deliver(FrameKind::kClosed, WebSocketPeer::Ending::kVanished);
      }
      return read_more();
    }
    deliver(text ? FrameKind::kText : FrameKind::kBinary, WebSocketPeer::Ending::kNone);
  }

  void deliver(FrameKind kind, WebSocketPeer::Ending ending) {
    const beast::flat_buffer taken = std::exchange(buffer_, beast::flat_buffer());
    const auto data = taken.cdata();
    const auto callback = std::exchange(on_frame_, nullptr);
    callback(kind, {static_cast<const char*>(data.data()), ending == WebSocketPeer::Ending::kNone ? data.size() : 0},
             ending);
  }

  const std::shared_ptr<void> kept_;  // what the stream needs: outlives it
  WebSocketStream stream_;
  beast::flat_buffer buffer_;
  WebSocketPeer::OnFrame on_frame_;
  bool closing_ = false;         // a close frame is on its way or answered
  std::size_t whole_limit_ = 0;  // of binary messages; 0: they come in pieces
};

class PeerHandle : public WebSocketPeer {
 public:
  explicit PeerHandle(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  // Pending operations keep the connection alive until they have failed.
  ~PeerHandle() override { connection_->drop(); }
  void read(OnFrame callback) override { connection_->read(std::move(callback)); }
  void read_whole(std::size_t limit) override { connection_->read_whole(limit); }
  void write(FrameKind kind, std::string_view data, std::function<void(bool)> callback) override {
    connection_->write(kind, data, std::move(callback));
  }
  void ping(std::string_view payload, std::function<void(bool)> callback) override {
    connection_->ping(payload, std::move(callback));
  }
  void close() override { connection_->close(); }

 private:
  std::shared_ptr<Connection> connection_;
};

void Connection::accept(http::request<http::empty_body> request, TakeWebSocket take) {
  ws::stream_base::timeout patience{};
  patience.handshake_timeout = kHandshakePatience;
  patience.idle_timeout = ws::stream_base::none();
  stream_.set_option(patience);
  stream_.auto_fragment(false);
  stream_.read_message_max(0);
  auto kept = std::make_shared<http::request<http::empty_body>>(std::move(request));
  stream_.async_accept(*kept,
                       [self = shared_from_this(), kept, take = std::move(take)](boost::system::error_code error) {
                         if (!error) take(std::make_shared<PeerHandle>(self));
                       });
}

}  // namespace

void accept_websocket(Stream stream, std::shared_ptr<void> kept, http::request<http::empty_body> request,
                      TakeWebSocket take) {
  std::make_shared<Connection>(std::move(stream), std::move(kept))->accept(std::move(request), std::move(take));
}

}  // namespace cella::daemon
