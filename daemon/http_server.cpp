#include "daemon/http_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>
#include <thread>

#include <spdlog/spdlog.h>

#include "daemon/http_state.h"

namespace cella::daemon {

Result<Fd> listen_on_unix_socket(const std::string& path, std::optional<gid_t> group) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return invalid_value("socket", path, "longer than " + std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return errno_error(errno, "socket for " + path);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(errno, "unlink " + path);
  // Born without access for others; umask is safe here: no other thread runs yet.
  const mode_t before = umask(0177);
  // SAFETY: sockaddr_un is what the kernel expects behind sockaddr for AF_UNIX.
  const int bound = bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int bind_errno = errno;
  umask(before);
  if (bound != 0) return errno_error(bind_errno, "bind " + path);
  if (group && chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) return errno_error(errno, "chown " + path);
  if (chmod(path.c_str(), 0660) != 0) return errno_error(errno, "chmod " + path);
  if (listen(listener.get(), SOMAXCONN) != 0) return errno_error(errno, "listen on " + path);
  return listener;
}

namespace {

void accept_next(const std::shared_ptr<HttpServer::State>& state) {
  if (!state->acceptor->is_open()) return;
  state->acceptor->async_accept([state](boost::system::error_code error, UnixSocket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      // EMFILE and the like: a session that ends frees what is missing; until then one accept a second is tried.
      spdlog::warn("accept failed error=\"{}\"", error.message());
      state->retry.expires_after(std::chrono::seconds(1));
      state->retry.async_wait([state](boost::system::error_code) { accept_next(state); });
      return;
    }
    start_session(state, Stream(std::move(socket)), nullptr);
    accept_next(state);
  });
}

}  // namespace

HttpServer::HttpServer(asio::io_context& io, const Router& router, unsigned workers)
    : state_(std::make_shared<State>(io, router, workers)) {}

HttpServer::~HttpServer() {
  state_->workers.join();
  state_->transfers.wait_for_all();
}

void HttpServer::serve(Fd listener) {
  state_->acceptor.emplace(state_->io, asio::local::stream_protocol(), listener.release());
  accept_next(state_);
}

void HttpServer::set_authorize(Authorize authorize) { state_->authorize = std::move(authorize); }
void HttpServer::set_scope(Scope scope) { state_->scope = std::move(scope); }

Result<void> HttpServer::serve_tls(std::vector<Fd> listeners, const TlsIdentity& identity) {
  auto gate = TRY(TlsGate::open(state_, std::move(listeners), identity));
  asio::post(state_->io, [state = state_, gate = std::move(gate)]() mutable {
    if (state->tls) state->tls->close();
    state->tls = std::move(gate);
    state->tls->accept();
  });
  return kOk;
}

void HttpServer::stop_tls() {
  std::promise<void> closed;
  asio::post(state_->io, [&] {
    if (state_->tls) state_->tls->close();
    closed.set_value();
  });
  closed.get_future().wait();
}

void HttpServer::close() {
  boost::system::error_code ignored;
  if (state_->acceptor) state_->acceptor->close(ignored);
  if (state_->tls) state_->tls->close();
  state_->retry.cancel();
}

void HttpServer::run_on_worker(std::function<void()> work) { asio::post(state_->workers, std::move(work)); }

Result<void> Transfers::start(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (running_ >= kMaxTransfers) return Error(ErrorKind::kBusy, "too many uploads and downloads at once");
    ++running_;
  }
  std::thread([this, work = std::move(work)]() mutable {
    work();
    work = nullptr;  // what it holds may need the I/O context, which lives until all have ended
    const std::lock_guard lock(mutex_);
    --running_;
    ended_.notify_all();
  }).detach();
  return kOk;
}

void Transfers::wait_for_all() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return running_ == 0; });
}

}  // namespace cella::daemon
