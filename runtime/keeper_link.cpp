#include "runtime/keeper_link.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/protocol_messages.h"

namespace cella::runtime {

using protocol::Header;
using protocol::Kind;

class Link::Peer final : public EventSink {
 public:
  Peer(Link& link, Fd socket) : link_(link), socket_(std::move(socket)) {}
  Result<void> start() { return watch_.start(link_.loop_, socket_, EPOLLIN, *this); }
  const Fd& socket() const { return socket_; }

 private:
  void ready(std::uint32_t) override { link_.serve(*this); }
  Link& link_;
  Fd socket_;
  Watch watch_;
};

class Link::Events final : public EventSink {
 public:
  Events(EventLoop& loop, Fd socket) : loop_(loop), socket_(std::move(socket)) {}
  Result<void> start() { return watch_.start(loop_, socket_, 0, *this); }
  void push(std::string message) {
    queue_.push_back(std::move(message));
    send_all();
  }

 private:
  void ready(std::uint32_t events) override {
    // A closed far end is noticed on the other socket; here it must only not be reported again and again.
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) return watch_.stop();
    send_all();
  }
  void send_all() {
    while (!queue_.empty()) {
      if (!send_datagram(socket_, queue_.front())) break;
      queue_.pop_front();
    }
    watch_.set(queue_.empty() ? 0u : std::uint32_t{EPOLLOUT});
  }

  EventLoop& loop_;
  Fd socket_;
  Watch watch_;
  std::deque<std::string> queue_;
};

namespace {

// What waits in the socket: the message's full length and its header, without taking it.
struct Waiting {
  ssize_t length = 0;
  int errno_value = 0;
  std::string header;
};

Waiting look(const Fd& socket) {
  Waiting waiting;
  char bytes[protocol::kHeaderSize];
  waiting.length = ::recv(socket.get(), bytes, sizeof bytes, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
  waiting.errno_value = errno;
  if (waiting.length > 0)
    waiting.header.assign(bytes, std::min(sizeof bytes, static_cast<std::size_t>(waiting.length)));
  return waiting;
}

bool is_root(const Fd& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

Answer failure(std::uint64_t id, const Error& error) {
  protocol::Failed failed;
  failed.kind = error.kind();
  failed.errno_value = error.errno_value();
  failed.text = error.what();
  return Answer(protocol::encode(Kind::kFailed, id, failed));
}

}  // namespace

Link::Link(EventLoop& loop, LinkHandler& handler, Fd listener)
    : loop_(loop), handler_(handler), listener_(std::move(listener)) {}

Link::~Link() = default;

Result<void> Link::start() { return watch_.start(loop_, listener_, EPOLLIN, *this); }

void Link::ready(std::uint32_t) {
  Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket || !is_root(socket)) return;
  if (waiting_.size() >= kMaxWaiting) waiting_.erase(waiting_.begin());
  auto peer = std::make_unique<Peer>(*this, std::move(socket));
  if (peer->start()) waiting_.push_back(std::move(peer));
}

void Link::serve(Peer& peer) {
  const Waiting waiting = look(peer.socket());
  if (waiting.length < 0 && (waiting.errno_value == EAGAIN || waiting.errno_value == EINTR)) return;
  if (waiting.length <= 0 || static_cast<std::size_t>(waiting.length) > protocol::kMaxMessage) return drop(peer);
  const Result<Header> header = protocol::decode_header(waiting.header);
  Result<Datagram> request = receive_datagram(peer.socket(), static_cast<std::size_t>(waiting.length), MSG_DONTWAIT);
  if (!header) return drop(peer);
  if (header->kind == Kind::kHello) return greet(peer, *header);
  if (&peer != daemon_.get()) return drop(peer);
  // A request whose descriptors did not fit in this process is refused; the message itself has been taken.
  const Answer answer = request ? handler_.answer(*header, *request) : failure(header->id, request.error());
  if (!send_datagram(peer.socket(), answer.bytes(), answer.descriptors())) drop(peer);
}

void Link::greet(Peer& peer, const Header& header) {
  Fd far_end;
  Result<std::unique_ptr<Events>> events = make_events(header, far_end);
  if (!events) {
    (void)!send_datagram(peer.socket(), failure(header.id, events.error()).bytes()).ok();
    return drop(peer);
  }
  const std::string welcome = protocol::encode(Kind::kDone, header.id, protocol::Welcome{.keeper_pid = ::getpid()});
  const int descriptors[] = {far_end.get()};
  if (!send_datagram(peer.socket(), welcome, descriptors)) return drop(peer);
  make_daemon(peer, std::move(events).value());
}

Result<std::unique_ptr<Link::Events>> Link::make_events(const Header& header, Fd& far_end) {
  if (header.version != protocol::kVersion)
    return Error(ErrorKind::kUnsupported, "keeper speaks protocol version " + std::to_string(protocol::kVersion) +
                                              ", the daemon " + std::to_string(header.version));
  SocketPair pair = TRY(make_seqpacket_pair());
  const int flags = ::fcntl(pair.first.get(), F_GETFL);
  if (flags < 0 || ::fcntl(pair.first.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return errno_error(errno, "make event socket non-blocking");
  auto events = std::make_unique<Events>(loop_, std::move(pair.first));
  TRY(events->start());
  far_end = std::move(pair.second);
  return events;
}

void Link::make_daemon(Peer& peer, std::unique_ptr<Events> events) {
  if (daemon_ && &peer != daemon_.get()) {
    daemon_.reset();
    handler_.daemon_left();
  }
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& one) { return one.get() == &peer; });
  if (found != waiting_.end()) {
    daemon_ = std::move(*found);
    waiting_.erase(found);
  }
  events_ = std::move(events);
  handler_.daemon_arrived();
}

void Link::drop(const Peer& peer) {
  if (&peer == daemon_.get()) {
    daemon_.reset();
    events_.reset();
    handler_.daemon_left();
    return;
  }
  std::erase_if(waiting_, [&](const auto& one) { return one.get() == &peer; });
}

void Link::push(std::string message) {
  if (events_) events_->push(std::move(message));
}

}  // namespace cella::runtime
