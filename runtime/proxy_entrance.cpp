#include "runtime/proxy_entrance.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "runtime/proxy_dial.h"

namespace cella::runtime {
namespace {

constexpr std::size_t kMaxDatagram = 64u << 10;
constexpr std::size_t kControlBytes = 256;

struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  bool v6 = false;
};

Endpoint endpoint_of(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return {text.data(), ntohs(address.sin_port), false};
  }
  sockaddr_in6 address{};
  std::memcpy(&address, &storage, sizeof address);
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    ::inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text.data(), text.size());
    return {text.data(), ntohs(address.sin6_port), false};
  }
  ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
  return {text.data(), ntohs(address.sin6_port), true};
}

}  // namespace

std::string proxy_line(const Fd& client) {
  sockaddr_storage peer{}, own{};
  socklen_t peer_length = sizeof peer, own_length = sizeof own;
  // SAFETY: sockaddr_storage is large enough for every family.
  const bool known = ::getpeername(client.get(), reinterpret_cast<sockaddr*>(&peer), &peer_length) == 0 &&
                     ::getsockname(client.get(), reinterpret_cast<sockaddr*>(&own), &own_length) == 0;
  if (!known || (peer.ss_family != AF_INET && peer.ss_family != AF_INET6)) return "PROXY UNKNOWN\r\n";
  const Endpoint from = endpoint_of(peer), to = endpoint_of(own);
  return std::string("PROXY ") + (from.v6 ? "TCP6 " : "TCP4 ") + from.address + " " + to.address + " " +
         std::to_string(from.port) + " " + std::to_string(to.port) + "\r\n";
}

class ProxyEntrances::Entrance : public EventSink {
 public:
  Entrance(ProxyEntrances& owner, const ProxyEntry& of, Fd listening)
      : owner_(owner), entry_(of), socket_(std::move(listening)) {}
  virtual ~Entrance() = default;
  // Watches, unless it does.
  Result<void> resume() { return watch_.active() ? kOk : watch_.start(owner_.loop_, socket_, EPOLLIN, *this); }
  virtual void tidy() {}

 protected:
  ProxyEntrances& owner_;
  const ProxyEntry entry_;
  Fd socket_;
  Watch watch_;
};

class ProxyEntrances::StreamEntrance final : public Entrance {
 public:
  using Entrance::Entrance;
  void tidy() override { (void)resume().ok(); }

 private:
  void ready(std::uint32_t) override {
    if (owner_.relays_.size() >= kMaxProxyConnections) return watch_.stop();  // until one ends
    Fd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) return owner_.admit(std::move(client), entry_);
    const bool passing = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    // No descriptor or memory left: what waits would be reported again and again.
    if (!passing) watch_.stop();
  }
};

class ProxyEntrances::DatagramEntrance final : public Entrance {
 public:
  using Entrance::Entrance;

  void tidy() override {
    (void)resume().ok();
    const auto oldest = std::chrono::steady_clock::now() - kProxyPeerTime;
    std::erase_if(peers_, [&](const auto& peer) { return peer.second->last_used() < oldest; });
  }

 private:
  void ready(std::uint32_t) override {
    static std::array<char, kMaxDatagram> bytes;
    DatagramPeer peer;
    const ssize_t count = receive(bytes, peer);
    if (count < 0) return;
    const std::string key = peer.address;
    Relay* const relay = relay_for(peer);
    if (relay != nullptr && !relay->deliver({bytes.data(), static_cast<std::size_t>(count)})) peers_.erase(key);
  }

  ssize_t receive(std::array<char, kMaxDatagram>& bytes, DatagramPeer& peer) {
    sockaddr_storage from{};
    alignas(cmsghdr) char control[kControlBytes];
    iovec piece{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
    if (count < 0) return count;
    peer.address.assign(reinterpret_cast<const char*>(&from), message.msg_namelen);
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
        in_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(part), sizeof info);
        peer.control = control_of(IPPROTO_IP, IP_PKTINFO, in_pktinfo{0, info.ipi_addr, {}});
      } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
        in6_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(part), sizeof info);
        // A link-local address is only one together with its link.
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
        peer.control = control_of(IPPROTO_IPV6, IPV6_PKTINFO, info);
      }
    }
    return count;
  }

  template <typename Info>
  static std::string control_of(int level, int type, const Info& info) {
    alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof info)] = {};
    // SAFETY: the buffer is aligned for, and as long as, one message with this payload.
    auto* part = reinterpret_cast<cmsghdr*>(bytes);
    part->cmsg_level = level;
    part->cmsg_type = type;
    part->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(part), &info, sizeof info);
    return std::string(bytes, sizeof bytes);
  }

  Relay* relay_for(DatagramPeer& peer) {
    const auto found = peers_.find(peer.address);
    if (found != peers_.end()) return found->second.get();
    if (peers_.size() >= kMaxProxyPeers) {
      peers_.erase(std::min_element(peers_.begin(), peers_.end(), [](const auto& a, const auto& b) {
        return a.second->last_used() < b.second->last_used();
      }));
    }
    const std::string key = peer.address;
    auto relay = std::make_unique<Relay>(owner_.loop_, [this, key] { peers_.erase(std::string(key)); });
    relay->set_near(socket_, std::move(peer));
    if (!owner_.dial(*relay, entry_.port, {}).ok()) return nullptr;
    return (peers_[key] = std::move(relay)).get();
  }

  std::map<std::string, std::unique_ptr<Relay>> peers_;
};

ProxyEntrances::ProxyEntrances(EventLoop& loop, ProxyRule rule, const PidFd& init, const Fd& home)
    : loop_(loop), rule_(std::move(rule)), init_(init), home_(home) {}

ProxyEntrances::~ProxyEntrances() = default;

Result<void> ProxyEntrances::add(const ProxyEntry& entry, Fd socket) {
  std::unique_ptr<Entrance> entrance;
  if (entry.kind == ProxyKind::kUdp) {
    entrance = std::make_unique<DatagramEntrance>(*this, entry, std::move(socket));
  } else {
    entrance = std::make_unique<StreamEntrance>(*this, entry, std::move(socket));
  }
  TRY(entrance->resume());
  entrances_.push_back(std::move(entrance));
  return kOk;
}

void ProxyEntrances::tidy() {
  for (const auto& entrance : entrances_) entrance->tidy();
}

Result<void> ProxyEntrances::dial(Relay& relay, std::uint16_t port, std::string greeting) {
  const ProxyTarget& target = rule_.target;
  if (target.kind == ProxyKind::kUnix) {
    return relay.start_later(TRY(dial_unix(target, init_)), target.kind, std::move(greeting));
  }
  return relay.start(TRY(dial_ip(target, port, init_, home_)), target.kind, std::move(greeting));
}

void ProxyEntrances::admit(Fd client, const ProxyEntry& entry) {
  std::string greeting = rule_.announce ? proxy_line(client) : std::string();
  const auto place = relays_.emplace(relays_.end());
  *place = std::make_unique<Relay>(loop_, [this, place] {
    ProxyEntrances& self = *this;  // this function goes with the relay
    self.relays_.erase(place);
    if (self.relays_.size() + 1 == kMaxProxyConnections) self.tidy();
  });
  (*place)->set_near(std::move(client), entry.kind);
  if (!dial(**place, entry.port, std::move(greeting)).ok()) relays_.erase(place);
}

}  // namespace cella::runtime
