#include "runtime/client_connection.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/keeper_process.h"
#include "runtime/protocol_messages.h"

namespace cella::runtime {

using protocol::decode_body;
using protocol::Kind;

namespace {

constexpr int kAnswerTimeout_ms = 30'000;

Error gone(int errno_value) { return Error(ErrorKind::kIo, errno_value, "the keeper is gone"); }

// The length of the next message, 0 at the end. Waits for it.
Result<std::size_t> wait_for_message(const Fd& socket) {
  pollfd polled{socket.get(), POLLIN, 0};
  int count = -1;
  while ((count = ::poll(&polled, 1, kAnswerTimeout_ms)) < 0 && errno == EINTR) {
  }
  if (count < 0) return errno_error(errno, "wait for the keeper");
  if (count == 0) return Error(ErrorKind::kTimeout, "the keeper did not answer within 30 s");
  const ssize_t length = ::recv(socket.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
  if (length < 0) return gone(errno);
  return static_cast<std::size_t>(length);
}

Result<Datagram> receive_whole(const Fd& socket) {
  const std::size_t length = TRY(wait_for_message(socket));
  if (length == 0) return gone(0);
  return receive_datagram(socket, length);
}

Error answered_error(const protocol::Failed& failed, FailedStep* step) {
  if (step != nullptr) *step = {failed.in_step, failed.step, failed.index, failed.errno_value};
  return Error(failed.kind, failed.errno_value, failed.text);
}

}  // namespace

Result<std::shared_ptr<KeeperClient::Connection>> KeeperClient::Connection::open(Fd socket, KeeperEvents events) {
  std::shared_ptr<Connection> connection(new Connection(std::move(socket), std::move(events)));
  connection->procfs_ = TRY(open_path("/proc", O_RDONLY | O_DIRECTORY));
  TRY(connection->greet());
  // Ids of sessions must not meet those that an earlier daemon left with the same keeper.
  if (::getrandom(&connection->last_session_, sizeof connection->last_session_, 0) < 0)
    return errno_error(errno, "read random bytes");
  connection->stop_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!connection->stop_) return errno_error(errno, "create eventfd");
  std::thread([connection] {
    connection->reader_id_ = std::this_thread::get_id();
    connection->read_events();
  }).detach();
  return connection;
}

KeeperClient::Connection::~Connection() = default;

void KeeperClient::Connection::close() {
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  if (std::this_thread::get_id() == reader_id_) return;
  std::unique_lock lock(session_mutex_);
  delivery_ended_.wait(lock, [this] { return !delivers_; });
}

Result<void> KeeperClient::Connection::greet() {
  Datagram answer = TRY(call(Kind::kHello, protocol::Nothing{}));
  const auto welcome = TRY(decode_body<protocol::Welcome>(Kind::kHello, answer.bytes));
  if (answer.descriptors.size() != 1) return protocol::malformed(Kind::kHello);
  keeper_pid_ = welcome.keeper_pid;
  event_socket_ = std::move(answer.descriptors[0]);
  return kOk;
}

std::uint64_t KeeperClient::Connection::next_id() {
  const std::lock_guard lock(call_mutex_);
  return ++last_id_;
}

Result<Datagram> KeeperClient::Connection::call(std::uint64_t id, std::string_view bytes,
                                                std::span<const int> descriptors, FailedStep* failed) {
  const std::lock_guard lock(call_mutex_);
  if (const auto sent = send_datagram(socket_, bytes, descriptors); !sent) {
    if (sent.error().errno_value() == EPIPE || sent.error().errno_value() == ECONNRESET)
      return gone(sent.error().errno_value());
    return sent.error();
  }
  for (;;) {
    Datagram answer = TRY(receive_whole(socket_));
    const protocol::Header header = TRY(protocol::decode_header(answer.bytes));
    // The late answer to a call that was given up.
    if (header.id != id) continue;
    if (header.kind == Kind::kDone) return answer;
    if (header.kind != Kind::kFailed) return protocol::malformed(header.kind);
    return answered_error(TRY(decode_body<protocol::Failed>(Kind::kFailed, answer.bytes)), failed);
  }
}

ExecId KeeperClient::Connection::expect_session(std::function<void(const ExecExit&)> exited) {
  const std::lock_guard lock(session_mutex_);
  const ExecId id{++last_session_};
  sessions_[id.value].exited = std::move(exited);
  return id;
}

void KeeperClient::Connection::session_started(const std::string& container, const ExecSession& started) {
  Result<Fd> copy = started.pidfd.duplicate();
  const std::lock_guard lock(session_mutex_);
  const auto found = sessions_.find(started.id.value);
  if (!copy || found == sessions_.end()) return;
  found->second.container = container;
  found->second.identity = started.process;
  found->second.process = PidFd(std::move(copy).value());
}

void KeeperClient::Connection::ignore_session(ExecId id) {
  const std::lock_guard lock(session_mutex_);
  const auto found = sessions_.find(id.value);
  if (found != sessions_.end()) found->second.exited = nullptr;
}

void KeeperClient::Connection::forget_session(ExecId id) {
  const std::lock_guard lock(session_mutex_);
  sessions_.erase(id.value);
}

void KeeperClient::Connection::read_events() {
  bool lost = false;
  while (!lost) {
    pollfd polled[2] = {{stop_.get(), POLLIN, 0}, {event_socket_.get(), POLLIN, 0}};
    if (::poll(polled, 2, -1) < 0 && errno == EINTR) continue;
    if (polled[0].revents != 0) break;
    lost = polled[1].revents != 0 && !read_event();
  }
  if (lost && events_.lost) events_.lost(gone(0));
  {
    const std::lock_guard lock(session_mutex_);
    delivers_ = false;
  }
  delivery_ended_.notify_all();
  if (lost) watch_orphans();
}

// False when the keeper is gone.
bool KeeperClient::Connection::read_event() {
  const Result<Datagram> event = receive_whole(event_socket_);
  if (!event) return false;
  const Result<protocol::Header> header = protocol::decode_header(event->bytes);
  if (!header) return false;
  if (header->kind == Kind::kContainerExited) {
    const auto exit = decode_body<ContainerExit>(header->kind, event->bytes);
    if (exit && events_.container_exited) events_.container_exited(*exit);
  } else if (header->kind == Kind::kSessionExited) {
    const auto exit = decode_body<ExecExit>(header->kind, event->bytes);
    if (!exit) return false;
    deliver(*exit);
    // Failure means that the keeper is gone, which the event socket tells next.
    (void)call(Kind::kAcknowledgeSession, protocol::Session{exit->id}).ok();
  }
  return true;
}

void KeeperClient::Connection::deliver(const ExecExit& exit) {
  std::function<void(const ExecExit&)> exited = events_.session_exited;
  {
    const std::lock_guard lock(session_mutex_);
    const auto found = sessions_.find(exit.id.value);
    if (found != sessions_.end()) {
      exited = std::move(found->second.exited);
      sessions_.erase(found);
    }
  }
  if (exited) exited(exit);
}

// The keeper died: what it would have reported about sessions is learnt from the kernel, as far as it tells.
void KeeperClient::Connection::watch_orphans() {
  for (;;) {
    std::vector<pollfd> polled;
    // Only this thread removes started sessions, so their places in the map hold.
    std::vector<std::pair<ExecId, const ExpectedSession*>> waiting;
    {
      const std::lock_guard lock(session_mutex_);
      for (const auto& [id, session] : sessions_) {
        if (!session.process) continue;
        polled.push_back({session.process.get(), POLLIN, 0});
        waiting.push_back({ExecId{id}, &session});
      }
    }
    if (waiting.empty()) return;
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno == EINTR) continue;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (polled[i].revents == 0) continue;
      const ExpectedSession& session = *waiting[i].second;
      ExecExit exit{.id = waiting[i].first, .container = session.container, .wait_status = std::nullopt};
      exit.wait_status = read_foreign_exit(procfs_, session.process, session.identity);
      deliver(exit);
    }
  }
}

}  // namespace cella::runtime
