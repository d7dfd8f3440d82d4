// What the listener, its sessions and their transfers share. Only for the .cpp files of the HTTP server.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/stream.h"
#include "daemon/http_server.h"
#include "daemon/router.h"

namespace cella::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using api::Stream;
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

class TlsGate;
struct GuestSession;

struct HttpServer::State {
  State(asio::io_context& context, const Router& routes, unsigned threads)
      : io(context), router(routes), workers(threads), retry(context) {}
  asio::io_context& io;
  const Router& router;
  asio::thread_pool workers;
  Transfers transfers;
  std::optional<asio::local::stream_protocol::acceptor> acceptor;
  asio::steady_timer retry;  // after a failed accept
  Authorize authorize;       // of requests over TLS
  Scope scope;
  std::shared_ptr<TlsGate> tls;
};

// The listening TCP sockets with the key pair they show. On the I/O thread.
class TlsGate : public std::enable_shared_from_this<TlsGate> {
 public:
  // Counts the connections of clients that are not trusted: in all, and by address. Given back on any thread.
  struct Strangers {
    std::mutex mutex;
    int all = 0;
    std::map<std::string, int> by_address;
  };
  // One connection's place among the strangers; given back when it is dropped.
  class Place;

  static Result<std::shared_ptr<TlsGate>> open(const std::shared_ptr<HttpServer::State>& state,
                                               std::vector<Fd> listeners, const TlsIdentity& identity);
  void accept();
  void close();

 private:
  explicit TlsGate(const std::shared_ptr<HttpServer::State>& state);
  void accept_next(asio::ip::tcp::acceptor& acceptor);
  void admit(api::TcpSocket socket);

  std::weak_ptr<HttpServer::State> state_;
  // Outlives the gate: its connections hold it.
  std::shared_ptr<api::ssl::context> context_;
  std::vector<asio::ip::tcp::acceptor> acceptors_;
  asio::steady_timer retry_;
  std::shared_ptr<Strangers> strangers_ = std::make_shared<Strangers>();
};

class TlsGate::Place {
 public:
  // nullptr: too many strangers, or too many from this address.
  static std::shared_ptr<Place> take(std::shared_ptr<Strangers> strangers, std::string address);
  Place(std::shared_ptr<Strangers> strangers, std::string address)
      : strangers_(std::move(strangers)), address_(std::move(address)) {}
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::shared_ptr<Strangers> strangers_;
  std::string address_;
};

// What a session over TLS holds besides its stream.
struct TlsSession {
  TlsSession(std::shared_ptr<api::ssl::context> used, std::shared_ptr<TlsGate::Place> taken, std::string peer,
             asio::io_context& io)
      : context(std::move(used)), place(std::move(taken)), address(std::move(peer)), deadline(io) {}
  std::shared_ptr<api::ssl::context> context;
  std::shared_ptr<TlsGate::Place> place;  // until the client is trusted
  std::string address;                    // "192.0.2.1:4711"
  asio::steady_timer deadline;            // of what the connection waits for
};

// Takes over an accepted connection; it lives until the client closes it. tls: nullptr for a unix socket.
void start_session(std::shared_ptr<HttpServer::State> state, Stream stream, std::shared_ptr<TlsSession> tls);

// Takes over a connection that came from inside an instance.
void start_guest_session(std::shared_ptr<HttpServer::State> state, Stream stream, std::shared_ptr<GuestSession> guest);

// Answers a WebSocket handshake and hands the connection over.
// kept: lives as long as the connection.
void accept_websocket(Stream stream, std::shared_ptr<void> kept, http::request<http::empty_body> request,
                      TakeWebSocket take);

// Blocking parts, on a transfer thread:
// reads the rest of a request's body.
std::unique_ptr<BodyReader> make_body_reader(Stream& stream, beast::flat_buffer& buffer,
                                             http::request_parser<http::empty_body>&& head);
// Answers 101 and joins the connection with the socket that the reply's one piece holds as `file`; its source is kept.
// early: what the client has sent already. On the I/O thread.
void start_tunnel(Stream stream, std::shared_ptr<void> kept, Reply reply, std::string early);

// Writes a reply with pieces. false: the connection is broken.
bool write_streamed_reply(Stream& stream, Reply reply, bool keep_alive);

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
