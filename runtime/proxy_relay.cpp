#include "runtime/proxy_relay.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/seqpacket.h"

namespace cella::runtime {
namespace {

constexpr std::size_t kMaxWaiting = 64u << 10;
constexpr std::size_t kMaxDatagram = 65507;  // of UDP over IPv4
constexpr std::size_t kControlBytes = CMSG_SPACE(kMaxDescriptors * sizeof(int));

// What one read takes; shared, because the worker has one thread.
std::array<char, kMaxWaiting>& scratch() {
  static std::array<char, kMaxWaiting> bytes;
  return bytes;
}

bool would_wait(int errno_value) { return errno_value == EAGAIN || errno_value == EINTR; }

std::vector<Fd> descriptors_of(msghdr& message) {
  std::vector<Fd> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

}  // namespace

class Relay::Side final : public EventSink {
 public:
  Side(Relay& owner, ProxyKind of) : relay(owner), kind(of) {}

  Relay& relay;
  const ProxyKind kind;
  Fd socket;                       // invalid: shared, or not there yet
  const Fd* shared = nullptr;      // with `peer`
  DatagramPeer peer;
  Watch watch;
  std::string waiting;             // to be written here
  std::vector<Fd> descriptors;     // to go with its first byte
  bool ended = false;              // nothing more is read from here
  bool shut = false;               // nothing more is written here
  bool connecting = false;

  bool is_datagram() const { return kind == ProxyKind::kUdp; }

  // What it does not take stays in `waiting`. false: broken.
  bool send(std::string_view data, std::vector<Fd> with) {
    if (is_datagram() && !connecting) {
      (void)send_datagram_now(data);  // lost, as datagrams are
      return true;
    }
    if (waiting.empty()) descriptors = std::move(with);
    if (waiting.empty() && !connecting) {
      const ssize_t count = send_some(data);
      if (count < 0 && !would_wait(errno)) return false;
      if (count > 0) descriptors.clear();
      if (count > 0) data.remove_prefix(static_cast<std::size_t>(count));
    }
    waiting.append(data);
    return true;
  }

  bool flush() {
    if (connecting) return true;
    while (!waiting.empty()) {
      const ssize_t count = send_some(waiting);
      if (count < 0) return would_wait(errno);
      descriptors.clear();
      waiting.erase(0, static_cast<std::size_t>(count));
    }
    if (waiting.capacity() > 0) waiting = std::string();
    return true;
  }

 private:
  void ready(std::uint32_t events) override { relay.serve(*this, events); }

  bool send_datagram_now(std::string_view data) {
    iovec piece{const_cast<char*>(data.data()), data.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (shared != nullptr) {
      message.msg_name = peer.address.data();
      message.msg_namelen = static_cast<socklen_t>(peer.address.size());
      message.msg_control = peer.control.empty() ? nullptr : peer.control.data();
      message.msg_controllen = peer.control.size();
    }
    return ::sendmsg(shared != nullptr ? shared->get() : socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
  }

  ssize_t send_some(std::string_view data) {
    iovec piece{const_cast<char*>(data.data()), data.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[kControlBytes];
    if (!descriptors.empty()) {
      const std::size_t bytes = descriptors.size() * sizeof(int);
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(bytes);
      std::memset(control, 0, message.msg_controllen);
      cmsghdr* part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(bytes);
      for (std::size_t i = 0; i < descriptors.size(); ++i) {
        const int fd = descriptors[i].get();
        std::memcpy(CMSG_DATA(part) + i * sizeof fd, &fd, sizeof fd);
      }
    }
    return ::sendmsg(socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
};

// Waits for the far end of a relay.
class Relay::Arrival final : public EventSink {
 public:
  Arrival(Relay& relay, Fd socket) : relay_(relay), report(std::move(socket)) {}
  Result<void> start() { return watch_.start(relay_.loop_, report, EPOLLIN, *this); }

 private:
  void ready(std::uint32_t) override { relay_.arrived(); }
  Relay& relay_;

 public:
  Fd report;

 private:
  Watch watch_;
};

Relay::Relay(EventLoop& loop, std::function<void()> ended)
    : loop_(loop), ended_(std::move(ended)), last_used_(std::chrono::steady_clock::now()) {}

Relay::~Relay() = default;

void Relay::set_near(Fd socket, ProxyKind kind) {
  near_ = std::make_unique<Side>(*this, kind);
  near_->socket = std::move(socket);
}

void Relay::set_near(const Fd& socket, DatagramPeer peer) {
  near_ = std::make_unique<Side>(*this, ProxyKind::kUdp);
  near_->shared = &socket;
  near_->peer = std::move(peer);
}

Result<void> Relay::start(Fd far, ProxyKind kind, std::string greeting) {
  far_ = std::make_unique<Side>(*this, kind);
  far_->socket = std::move(far);
  far_->connecting = kind == ProxyKind::kTcp;
  far_->waiting = std::move(greeting);
  return settle();
}

Result<void> Relay::start_later(Fd report, ProxyKind kind, std::string greeting) {
  far_ = std::make_unique<Side>(*this, kind);
  far_->connecting = true;
  far_->waiting = std::move(greeting);
  arrival_ = std::make_unique<Arrival>(*this, std::move(report));
  TRY(arrival_->start());
  return settle();
}

void Relay::arrived() {
  auto message = receive_datagram(arrival_->report, sizeof(int), MSG_DONTWAIT);
  if (!message.ok() && message.error().kind() == ErrorKind::kBusy) return;
  int errno_value = EPIPE;
  if (message.ok() && message->bytes.size() == sizeof errno_value) {
    std::memcpy(&errno_value, message->bytes.data(), sizeof errno_value);
  }
  if (errno_value != 0 || message->descriptors.size() != 1) return ended_();
  far_->socket = std::move(message->descriptors.front());
  far_->connecting = false;
  arrival_.reset();
  if (!far_->flush() || !settle().ok()) ended_();
}

void Relay::serve(Side& side, std::uint32_t events) {
  if (side.connecting) {
    int failure = 0;
    socklen_t length = sizeof failure;
    if (::getsockopt(side.socket.get(), SOL_SOCKET, SO_ERROR, &failure, &length) != 0 || failure != 0) return ended_();
    if ((events & EPOLLOUT) == 0) return;
    side.connecting = false;
  }
  last_used_ = std::chrono::steady_clock::now();
  if (!side.flush()) return ended_();
  Side& to = other(side);
  const bool readable = (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0;
  if (readable && !side.ended && to.waiting.empty() && !take(side, to)) return ended_();
  if (!settle().ok()) ended_();
}

// false: one of the two is broken, or both have ended.
bool Relay::take(Side& from, Side& to) {
  if (from.is_datagram()) return take_datagram(from, to);
  const bool with_descriptors = from.kind == ProxyKind::kUnix && to.kind == ProxyKind::kUnix;
  iovec piece{scratch().data(), to.is_datagram() ? kMaxDatagram : scratch().size()};
  alignas(cmsghdr) char control[kControlBytes];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (with_descriptors) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
  const ssize_t count = ::recvmsg(from.socket.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) return would_wait(errno);
  if (count == 0) {
    from.ended = true;
    return !to.is_datagram();
  }
  return to.send({scratch().data(), static_cast<std::size_t>(count)}, descriptors_of(message));
}

bool Relay::take_datagram(Side& from, Side& to) {
  const ssize_t count = ::recv(from.socket.get(), scratch().data(), scratch().size(), MSG_DONTWAIT);
  if (count < 0) return true;  // an ICMP error about an earlier one: taken with this
  return to.send({scratch().data(), static_cast<std::size_t>(count)}, {});
}

bool Relay::deliver(std::string_view data) {
  last_used_ = std::chrono::steady_clock::now();
  if (far_->waiting.size() + data.size() > kMaxWaiting) return true;
  return far_->send(data, {}) && settle().ok();
}

Result<void> Relay::settle() {
  for (Side* side : {near_.get(), far_.get()}) {
    const Side& from = other(*side);
    if (!from.ended || side->shut || side->connecting || !side->waiting.empty() || side->shared != nullptr) continue;
    (void)::shutdown(side->socket.get(), SHUT_WR);
    side->shut = true;
  }
  const bool near_done = near_->ended || near_->shared != nullptr;
  if (near_done && far_->ended && near_->waiting.empty() && far_->waiting.empty()) {
    return Error(ErrorKind::kIo, "both ends have ended");
  }
  for (Side* side : {near_.get(), far_.get()}) {
    if (side->shared != nullptr || !side->socket.valid()) continue;
    std::uint32_t events = 0;
    if (!side->ended && !side->connecting && other(*side).waiting.empty()) events |= EPOLLIN;
    if (side->connecting || !side->waiting.empty()) events |= EPOLLOUT;
    // Nothing to do: a hang-up cannot be left out of the events, and would come again and again.
    if (events == 0) {
      side->watch.stop();
    } else if (side->watch.active()) {
      side->watch.set(events);
    } else {
      TRY(side->watch.start(loop_, side->socket, events, *side));
    }
  }
  return kOk;
}

}  // namespace cella::runtime
