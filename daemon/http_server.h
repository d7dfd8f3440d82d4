// The API's listeners: a unix socket and TLS over TCP, one I/O thread, a few worker threads for handlers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/router.h"

namespace boost::asio {
class io_context;
}

namespace cella::daemon {

// Binds and listens. mode 0660; group: owner group of the socket, nullopt for the caller's. A stale socket file is
// replaced: the caller holds the lock that proves that no other daemon listens on it.
Result<Fd> listen_on_unix_socket(const std::string& path, std::optional<gid_t> group);

// Decides what a request that came over TLS may do: sets request.access, before anything is looked up. An Error refuses
// the request. Called on the I/O thread: must not block.
using Authorize = std::function<Result<void>(Request&)>;

// Sets request.project out of the query, once the request has a route and its sender may go on. An Error refuses the
// request. Called on the I/O thread: must not block.
using Scope = std::function<Result<void>(Request&)>;

// Key pair of a TLS server, PEM.
struct TlsIdentity {
  std::string certificate;
  std::string key;
};

// Serves listening sockets, both by the same code. Whoever reaches the unix socket is fully trusted. Everything but
// handlers runs on the thread that runs the io_context.
class HttpServer {
 public:
  // io, router: outlive the server. workers: threads that run handlers.
  HttpServer(boost::asio::io_context& io, const Router& router, unsigned workers);
  // Waits for handlers that run.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void serve(Fd listener);
  // Once, before serve_tls().
  void set_authorize(Authorize authorize);
  // Finds the project of every request whose sender may go on; without one there is only "default".
  void set_scope(Scope scope);
  // Serves TLS 1.3 on listening TCP sockets instead of those before; none: not any more. Connections that are open stay
  // open. Errors: kInvalid for a broken key pair. Thread-safe.
  Result<void> serve_tls(std::vector<Fd> listeners, const TlsIdentity& identity);
  // Returns when the TCP sockets are closed. Not on the I/O thread, which must be running.
  void stop_tls();
  // Accepts nothing new. On the I/O thread.
  void close();

  // Runs work on a worker thread. Thread-safe.
  void run_on_worker(std::function<void()> work);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace cella::daemon
