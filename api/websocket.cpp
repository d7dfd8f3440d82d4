#include "api/websocket_state.h"

#include <boost/asio/executor_work_guard.hpp>

#include <csignal>
#include <future>
#include <thread>

namespace cella::api {
namespace {

namespace ws = beast::websocket;

// The largest message taken from a server: events and console output are far below.
constexpr std::size_t kMaxMessage = 16u << 20;

}  // namespace

Error transport_error(const boost::system::error_code& error, const std::string& what) {
  if (error.category() == boost::system::system_category()) return errno_error(error.value(), what);
  return Error(ErrorKind::kIo, what + ": " + error.message());
}

struct WebSocketLoop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;
};

WebSocketLoop::WebSocketLoop() : impl_(std::make_unique<Impl>()) {
  // Signals are the program's own business: they must not land on this thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  impl_->thread = std::thread([impl = impl_.get()] { impl->context.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WebSocketLoop::~WebSocketLoop() {
  impl_->context.stop();
  if (impl_->thread.get_id() == std::this_thread::get_id()) {
    // The last WebSocket died in one of its own completion handlers.
    impl_->thread.detach();
    static_cast<void>(impl_.release());
    return;
  }
  impl_->thread.join();
}

asio::io_context& WebSocketLoop::context() { return impl_->context; }

Result<std::shared_ptr<WebSocket::State>> WebSocket::State::open(std::shared_ptr<WebSocketLoop> loop,
                                                                 const Endpoint& endpoint, const std::string& target) {
  Stream stream = TRY(endpoint.connect(loop->context()));
  auto state = std::make_shared<State>(std::move(loop), std::move(stream));
  state->stream_.read_message_max(kMaxMessage);
  state->stream_.set_option(
      ws::stream_base::decorator([](ws::request_type& request) { request.set(http::field::user_agent, "cella"); }));
  boost::system::error_code error;
  ws::response_type answer;
  state->stream_.handshake(answer, endpoint.host(), target, error);
  if (error == ws::error::upgrade_declined) {
    return Error(error_kind_of(static_cast<int>(answer.result_int())),
                 "WebSocket " + target + " refused with HTTP status " + std::to_string(answer.result_int()));
  }
  if (error) return transport_error(error, "open WebSocket " + target);
  return state;
}

Result<Frame> WebSocket::State::receive() {
  std::promise<boost::system::error_code> done;
  asio::post(loop_->context(), [&] {
    stream_.async_read(buffer_, [&](boost::system::error_code error, std::size_t) { done.set_value(error); });
  });
  const boost::system::error_code error = done.get_future().get();
  Frame frame;
  if (error == ws::error::closed) {
    const auto reason = stream_.reason();
    frame.data.assign(reason.reason.data(), reason.reason.size());
    return frame;
  }
  if (error == asio::error::eof || error == asio::error::operation_aborted || error == asio::error::bad_descriptor ||
      error == asio::error::connection_reset || error == ssl::error::stream_truncated ||
      // The answer to the peer's close frame found the peer gone already.
      error == asio::error::broken_pipe) {
    return frame;
  }
  if (error) return transport_error(error, "receive from the WebSocket");
  const auto data = buffer_.cdata();
  frame.kind = stream_.got_text() ? FrameKind::kText : FrameKind::kBinary;
  frame.data.assign(static_cast<const char*>(data.data()), data.size());
  buffer_.consume(data.size());
  return frame;
}

Result<void> WebSocket::State::send(FrameKind kind, std::string_view data) {
  const std::lock_guard lock(sending_);
  if (closed_) return Error(ErrorKind::kIo, "send to a closed WebSocket");
  std::promise<boost::system::error_code> done;
  asio::post(loop_->context(), [&] {
    stream_.text(kind == FrameKind::kText);
    stream_.async_write(asio::buffer(data.data(), data.size()),
                        [&](boost::system::error_code error, std::size_t) { done.set_value(error); });
  });
  const boost::system::error_code error = done.get_future().get();
  if (error) return transport_error(error, "send to the WebSocket");
  return kOk;
}

Result<void> WebSocket::State::close(std::string_view reason) {
  const std::lock_guard lock(sending_);
  if (std::exchange(closed_, true)) return kOk;
  ws::close_reason why(ws::close_code::normal);
  why.reason = ws::reason_string(reason.data(), std::min<std::size_t>(reason.size(), 123));
  std::promise<boost::system::error_code> done;
  asio::post(loop_->context(),
             [&] { stream_.async_close(why, [&](boost::system::error_code error) { done.set_value(error); }); });
  const boost::system::error_code error = done.get_future().get();
  if (error && error != ws::error::closed && error != asio::error::eof && error != asio::error::operation_aborted) {
    return transport_error(error, "close the WebSocket");
  }
  return kOk;
}

void WebSocket::State::abort() {
  asio::post(loop_->context(), [self = shared_from_this()] { self->stream_.next_layer().close(); });
}

WebSocket::WebSocket(std::shared_ptr<State> state) : state_(std::move(state)) {}
WebSocket::WebSocket(WebSocket&&) noexcept = default;
WebSocket& WebSocket::operator=(WebSocket&& other) noexcept {
  if (this != &other) {
    if (state_) state_->abort();
    state_ = std::move(other.state_);
  }
  return *this;
}
WebSocket::~WebSocket() {
  if (state_) state_->abort();
}

Result<Frame> WebSocket::receive() { return state_->receive(); }
Result<void> WebSocket::send_text(std::string_view data) { return state_->send(FrameKind::kText, data); }
Result<void> WebSocket::send_binary(std::string_view data) { return state_->send(FrameKind::kBinary, data); }
Result<void> WebSocket::close(std::string_view reason) { return state_->close(reason); }
void WebSocket::abort() { state_->abort(); }

}  // namespace cella::api
