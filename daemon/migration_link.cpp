#include "daemon/migration_link.h"

#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/files.h"
#include "daemon/server_address.h"
#include "manager/migration_messages.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;

Error gone() { return Error(ErrorKind::kIo, "migration: the other server closed the connection"); }

// Stretches of the stream are binary frames up to an empty text frame.
class Link final : public manager::MigrationLink {
 public:
  Link(std::unique_ptr<MigrationSocket> control, std::unique_ptr<MigrationSocket> stream)
      : control_(std::move(control)), stream_(std::move(stream)) {}
  ~Link() override { abort(); }

  Result<void> send_message(std::string_view message) override {
    return control_->send(api::FrameKind::kBinary, message);
  }

  Result<std::string> receive_message() override {
    api::Frame frame = TRY(control_->receive());
    if (frame.kind != api::FrameKind::kBinary) return gone();
    if (frame.data.size() > manager::kMaxMigrationMessage)
      return Error(ErrorKind::kInvalid, "migration: the other server's message is too long");
    return std::move(frame.data);
  }

  Result<void> send_stretch(const Fd& from) override {
    std::vector<char> piece(kPieceBytes);
    for (;;) {
      const ssize_t count = ::read(from.get(), piece.data(), piece.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno_error(errno, "read migration stream");
      if (count == 0) return stream_->send(api::FrameKind::kText, "");
      TRY(stream_->send(api::FrameKind::kBinary, {piece.data(), static_cast<std::size_t>(count)}));
    }
  }

  Result<void> receive_stretch(const Fd& to) override {
    for (;;) {
      const api::Frame frame = TRY(stream_->receive());
      if (frame.kind == api::FrameKind::kClosed) return gone();
      if (frame.kind == api::FrameKind::kText) return kOk;
      TRY(write_all(to, frame.data));
    }
  }

  void end_stream() override { stream_->abort(); }
  void abort() override {
    stream_->abort();
    control_->abort();
  }

 private:
  std::unique_ptr<MigrationSocket> control_;
  std::unique_ptr<MigrationSocket> stream_;
};

// A socket that we opened.
class ClientSocket final : public MigrationSocket {
 public:
  explicit ClientSocket(api::WebSocket socket) : socket_(std::move(socket)) {}
  Result<api::Frame> receive() override { return socket_.receive(); }
  Result<void> send(api::FrameKind kind, std::string_view data) override {
    return kind == api::FrameKind::kText ? socket_.send_text(data) : socket_.send_binary(data);
  }
  void abort() override { socket_.abort(); }

 private:
  api::WebSocket socket_;
};

// A socket that was opened here: its calls belong to the I/O thread, which answers the ones that wait. What the I/O
// thread still does after abort() goes to the shared state.
class PeerSocket final : public MigrationSocket {
 public:
  // On the I/O thread.
  PeerSocket(boost::asio::io_context& io, std::shared_ptr<WebSocketPeer> peer)
      : io_(io), state_(std::make_shared<State>()) {
    state_->peer = std::move(peer);
  }
  ~PeerSocket() override { abort(); }

  Result<api::Frame> receive() override {
    boost::asio::post(io_, [state = state_] {
      if (!state->peer) return state->deliver({api::FrameKind::kClosed, {}});
      state->peer->read([state](FrameKind kind, std::string_view data, WebSocketPeer::Ending) {
        state->deliver({static_cast<api::FrameKind>(kind), std::string(data)});
      });
    });
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->aborted || state_->received; });
    if (!state_->received) return gone();
    return *std::exchange(state_->received, std::nullopt);
  }

  Result<void> send(api::FrameKind kind, std::string_view data) override {
    // The caller's bytes may be gone when it was aborted and the I/O thread is not done with them.
    const auto held = std::make_shared<std::string>(data);
    boost::asio::post(io_, [state = state_, held, kind] {
      if (!state->peer) return state->finish_send(false);
      state->peer->write(static_cast<FrameKind>(kind), *held, [state, held](bool sent) { state->finish_send(sent); });
    });
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->aborted || state_->sent; });
    const bool sent = std::exchange(state_->sent, std::nullopt).value_or(false);
    return sent ? Result<void>(kOk) : Result<void>(gone());
  }

  void abort() override {
    {
      const std::lock_guard lock(state_->mutex);
      if (std::exchange(state_->aborted, true)) return;
    }
    state_->changed.notify_all();
    boost::asio::post(io_, [state = state_] { state->peer.reset(); });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::shared_ptr<WebSocketPeer> peer;  // on the I/O thread only
    std::optional<api::Frame> received;
    std::optional<bool> sent;
    bool aborted = false;

    void deliver(api::Frame frame) {
      {
        const std::lock_guard lock(mutex);
        received = std::move(frame);
      }
      changed.notify_all();
    }
    void finish_send(bool ok) {
      {
        const std::lock_guard lock(mutex);
        sent = ok;
      }
      changed.notify_all();
    }
  };
  static_assert(static_cast<int>(FrameKind::kText) == static_cast<int>(api::FrameKind::kText) &&
                static_cast<int>(FrameKind::kBinary) == static_cast<int>(api::FrameKind::kBinary) &&
                static_cast<int>(FrameKind::kClosed) == static_cast<int>(api::FrameKind::kClosed));

  boost::asio::io_context& io_;
  const std::shared_ptr<State> state_;
};

// The server and the path of an operation's URL.
struct OperationAddress {
  std::string server;
  std::string path;
};

Result<OperationAddress> address_of(const std::string& operation) {
  constexpr std::string_view kHttps = "https://";
  constexpr std::string_view kPath = "/1.0/operations/";
  const auto slash = operation.starts_with(kHttps) ? operation.find('/', kHttps.size()) : std::string::npos;
  const bool plain = slash != std::string::npos && operation.compare(slash, kPath.size(), kPath) == 0 &&
                     operation.find_first_not_of("0123456789abcdef-", slash + kPath.size()) == std::string::npos;
  if (!plain) return invalid_value("operation", operation, "expected https://ADDRESS/1.0/operations/UUID");
  return OperationAddress{operation.substr(0, slash), operation.substr(slash)};
}

Result<std::unique_ptr<MigrationSocket>> open_socket(api::Client& client, const std::string& path,
                                                     const std::string& secret) {
  auto socket = TRY(client.open_websocket(path + "/websocket?secret=" + api::percent_encode(secret)));
  return std::unique_ptr<MigrationSocket>(std::make_unique<ClientSocket>(std::move(socket)));
}

}  // namespace

std::unique_ptr<manager::MigrationLink> make_migration_link(std::unique_ptr<MigrationSocket> control,
                                                            std::unique_ptr<MigrationSocket> stream) {
  return std::make_unique<Link>(std::move(control), std::move(stream));
}

Result<void> check_migration_peer(const MigrationPeer& peer) {
  TRY(tls_server_of(TRY(address_of(peer.operation)).server, peer.certificate, "operation"));
  for (const char* name : {kControlSocket, kStreamSocket}) {
    if (!peer.secrets.contains(name))
      return Error(ErrorKind::kInvalid, "secrets: must have one for the socket \"" + std::string(name) + "\"");
  }
  return kOk;
}

Result<std::unique_ptr<manager::MigrationLink>> connect_migration(const MigrationPeer& peer) {
  const OperationAddress address = TRY(address_of(peer.operation));
  auto client =
      TRY(api::Client::connect_tls(TRY(tls_server_of(address.server, peer.certificate, "operation"))));
  auto control = TRY_CONTEXT(address.server, open_socket(client, address.path, peer.secrets.at(kControlSocket)));
  auto stream = TRY_CONTEXT(address.server, open_socket(client, address.path, peer.secrets.at(kStreamSocket)));
  return make_migration_link(std::move(control), std::move(stream));
}

void MigrationSockets::attach(const std::string& name, std::shared_ptr<WebSocketPeer> peer) {
  {
    const std::lock_guard lock(mutex_);
    if (name == kControlSocket) peer->read_whole(manager::kMaxMigrationMessage);
    sockets_[name] = std::make_unique<PeerSocket>(io_, std::move(peer));
  }
  changed_.notify_all();
}

Result<std::unique_ptr<manager::MigrationLink>> MigrationSockets::wait(std::chrono::seconds timeout,
                                                                       const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool both = changed_.wait_for(lock, stop, timeout, [&] { return sockets_.size() == 2; });
  if (stop.stop_requested()) return Error(ErrorKind::kCancelled, "migration");
  if (!both) return Error(ErrorKind::kTimeout, "migration: nobody connected within " +
                                                   std::to_string(timeout.count()) + " s");
  return make_migration_link(std::move(sockets_[kControlSocket]), std::move(sockets_[kStreamSocket]));
}

}  // namespace cella::daemon
