#include "runtime/proxy_worker.h"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/seqpacket.h"
#include "runtime/proxy_dial.h"
#include "runtime/proxy_entrance.h"

namespace cella::runtime {
namespace {

constexpr std::chrono::seconds kTick{5};

bool is_root(const Fd& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

Result<PidFd> only_pidfd(std::vector<Fd>& descriptors) {
  if (descriptors.empty()) return Error(ErrorKind::kInvalid, "a proxy comes with the pidfd of its container");
  return PidFd(std::move(descriptors.front()));
}

}  // namespace

class ProxyWorker::Daemon final : public EventSink {
 public:
  Daemon(ProxyWorker& worker, Fd connection) : socket(std::move(connection)), worker_(worker) {}
  Result<void> start() { return watch_.start(worker_.loop_, socket, EPOLLIN, *this); }
  Fd socket;

 private:
  void ready(std::uint32_t) override { worker_.serve(*this); }
  ProxyWorker& worker_;
  Watch watch_;
};

// A proxy until its container ends.
class ProxyWorker::Proxy final : public EventSink {
 public:
  Proxy(ProxyWorker& worker, const ProxyRule& given, PidFd init)
      : worker_(worker), init_(std::move(init)), entrances(worker.loop_, given, init_, worker.home_) {}
  Result<void> start() { return watch_.start(worker_.loop_, init_, EPOLLIN, *this); }

 private:
  void ready(std::uint32_t) override {
    const std::string id = entrances.rule().id;
    worker_.proxies_.erase(id);
  }
  ProxyWorker& worker_;
  PidFd init_;
  Watch watch_;

 public:
  ProxyEntrances entrances;
};

ProxyWorker::ProxyWorker(EventLoop loop, Fd listener, Fd home)
    : loop_(std::move(loop)), listener_(std::move(listener)), home_(std::move(home)) {}

ProxyWorker::~ProxyWorker() = default;

Result<void> ProxyWorker::run() {
  TRY(watch_.start(loop_, listener_, EPOLLIN, *this));
  bool served = false;
  auto next_tick = std::chrono::steady_clock::now() + kTick;
  while (!served || daemon_ != nullptr || !proxies_.empty()) {
    TRY(loop_.run_once(next_tick));
    served = served || daemon_ != nullptr;
    if (std::chrono::steady_clock::now() < next_tick) continue;
    for (auto& [id, proxy] : proxies_) proxy->entrances.tidy();
    next_tick = std::chrono::steady_clock::now() + kTick;
  }
  return kOk;
}

void ProxyWorker::ready(std::uint32_t) {
  Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket || !is_root(socket)) return;
  auto daemon = std::make_unique<Daemon>(*this, std::move(socket));
  if (daemon->start().ok()) daemon_ = std::move(daemon);
}

void ProxyWorker::serve(Daemon& daemon) {
  auto message = receive_datagram(daemon.socket, protocol::kMaxMessage, MSG_DONTWAIT);
  if (!message.ok() && message.error().kind() == ErrorKind::kBusy) return;
  if (!message.ok() || message->bytes.empty()) return daemon_.reset();
  const auto request = decode_proxy<ProxyRequest>(message->bytes);
  ProxyAnswer reply;
  if (request.ok()) {
    reply = answer(*request, message->descriptors);
  } else {
    reply.errno_value = EINVAL;
    reply.error = request.error().message();
  }
  if (!send_datagram(daemon.socket, encode_proxy(reply)).ok()) daemon_.reset();
}

ProxyAnswer ProxyWorker::answer(const ProxyRequest& request, std::vector<Fd>& descriptors) {
  ProxyAnswer reply;
  const auto done = [&]() -> Result<void> {
    switch (request.order) {
      case ProxyOrder::kAdd: return add(request, descriptors);
      case ProxyOrder::kListen: return listen(request, descriptors);
      case ProxyOrder::kRemove: proxies_.erase(request.rule.id); return kOk;
      case ProxyOrder::kList:
        for (const auto& [id, proxy] : proxies_) reply.rules.push_back({id, proxy->entrances.rule().text});
        return kOk;
      case ProxyOrder::kListenInside: {
        const PidFd init = TRY(only_pidfd(descriptors));
        if (descriptors.size() != 2) return Error(ErrorKind::kInvalid, "no socket for the report");
        return listen_inside(request.inner, init, descriptors[1]);
      }
    }
    return Error(ErrorKind::kInvalid, "unknown order");
  }();
  if (!done.ok()) {
    reply.errno_value = done.error().errno_value();
    reply.error = done.error().message();
  }
  return reply;
}

Result<void> ProxyWorker::add(const ProxyRequest& request, std::vector<Fd>& descriptors) {
  auto proxy = std::make_unique<Proxy>(*this, request.rule, TRY(only_pidfd(descriptors)));
  TRY(proxy->start());
  proxies_[request.rule.id] = std::move(proxy);
  return kOk;
}

Result<void> ProxyWorker::listen(const ProxyRequest& request, std::vector<Fd>& descriptors) {
  const auto found = proxies_.find(request.rule.id);
  if (found == proxies_.end()) return Error(ErrorKind::kNotFound, "proxy " + request.rule.id + " not found");
  if (request.entries.size() != descriptors.size()) return Error(ErrorKind::kInvalid, "sockets are missing");
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    TRY(found->second->entrances.add(request.entries[i], std::move(descriptors[i])));
  }
  return kOk;
}

}  // namespace cella::runtime
