// What the listener, its sessions and their transfers share. Only for the .cpp files of the HTTP server.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "api/beast.h"
#include "daemon/http_server.h"
#include "daemon/router.h"

namespace cella::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using api::UnixSocket;
using api::WebSocketStream;

// The most a JSON body may measure.
inline constexpr std::size_t kMaxBody = 16u << 20;
// Uploads and downloads that may run at once: each has a thread.
inline constexpr int kMaxTransfers = 64;

// Threads of uploads and downloads: counted, and waited for at the end.
class Transfers {
 public:
  // Runs work on a new thread. Errors: kBusy when too many run.
  Result<void> start(std::function<void()> work);
  void wait_for_all();

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  int running_ = 0;
};

struct HttpServer::State {
  State(asio::io_context& context, const Router& routes, unsigned threads)
      : io(context), router(routes), workers(threads), retry(context) {}
  asio::io_context& io;
  const Router& router;
  asio::thread_pool workers;
  Transfers transfers;
  std::optional<asio::local::stream_protocol::acceptor> acceptor;
  asio::steady_timer retry;  // after a failed accept
};

// Takes over an accepted connection; it lives until the client closes it.
void start_session(std::shared_ptr<HttpServer::State> state, UnixSocket socket);

// Answers a WebSocket handshake and hands the connection over.
void accept_websocket(UnixSocket socket, http::request<http::empty_body> request, TakeWebSocket take);

// Blocking parts, on a transfer thread:
// reads the rest of a request's body.
std::unique_ptr<BodyReader> make_body_reader(UnixSocket& socket, beast::flat_buffer& buffer,
                                             http::request_parser<http::empty_body>&& head);
// Writes a reply with pieces. false: the connection is broken.
bool write_streamed_reply(UnixSocket& socket, Reply reply, bool keep_alive);

// Status line and headers of a reply.
template <typename Body>
http::response<Body> head_of(const Reply& reply, bool keep_alive) {
  http::response<Body> out(static_cast<http::status>(reply.status), 11);
  for (const auto& [name, value] : reply.headers) out.set(name, value);
  out.set(http::field::content_type, reply.content_type);
  out.keep_alive(keep_alive);
  return out;
}

}  // namespace cella::daemon
