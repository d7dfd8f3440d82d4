// The API's listener: a unix socket, one I/O thread, a few worker threads for handlers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

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

// Serves a listening socket. Everything but handlers runs on the thread that runs the io_context.
class HttpServer {
 public:
  // io, router: outlive the server. workers: threads that run handlers.
  HttpServer(boost::asio::io_context& io, const Router& router, unsigned workers);
  // Waits for handlers that run.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void serve(Fd listener);
  // Accepts nothing new. On the I/O thread.
  void close();

  // Runs work on a worker thread. Thread-safe.
  void run_on_worker(std::function<void()> work);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace cella::daemon
