#include "manager/proxies.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <sched.h>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/rollback.h"
#include "manager/proxy_nat.h"
#include "manager/socket_file.h"

namespace cella::manager {
namespace {

using runtime::ProxyKind;
using runtime::ProxySocket;

constexpr int kBacklog = 1024;

std::string id_of(std::int64_t instance, const std::string& device) { return std::to_string(instance) + "." + device; }

std::string port_text(const ProxyAddress& address, std::uint16_t port) {
  const std::string host = netlink::format(address.host);
  const bool v6 = address.host.family == netlink::IpFamily::kV6;
  return (address.kind == ProxyKind::kTcp ? "tcp:" : "udp:") + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t length = 0;
  // SAFETY: sockaddr_storage holds the address of the family it names.
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

template <typename Address>
SocketAddress stored(const Address& address, std::size_t length) {
  SocketAddress made;
  std::memcpy(&made.bytes, &address, std::min(sizeof address, length));
  made.length = static_cast<socklen_t>(length);
  return made;
}

SocketAddress ip_address(const netlink::IpAddress& host, std::uint16_t port) {
  if (host.family == netlink::IpFamily::kV4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    std::memcpy(&address.sin_addr, host.bytes.data(), sizeof address.sin_addr);
    return stored(address, sizeof address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  std::memcpy(&address.sin6_addr, host.bytes.data(), sizeof address.sin6_addr);
  return stored(address, sizeof address);
}

// path: checked to fit by parse_proxy_address().
SocketAddress unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool abstract = path.front() == '@';
  std::memcpy(address.sun_path, path.data(), path.size());
  if (abstract) address.sun_path[0] = '\0';
  return stored(address, offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
}

Error listen_error(int errno_value, const std::string& address) {
  if (errno_value == EADDRINUSE) return Error(ErrorKind::kExists, errno_value, "listen on " + address);
  return errno_error(errno_value, "listen on " + address);
}

void set_flag(const Fd& socket, int level, int option, int value) {
  // Absent options only cost the comfort they stand for.
  (void)::setsockopt(socket.get(), level, option, &value, sizeof value);
}

Result<Fd> listen_on_port(const ProxyAddress& address, std::uint16_t port) {
  const std::string text = port_text(address, port);
  const bool v4 = address.host.family == netlink::IpFamily::kV4, stream = address.kind == ProxyKind::kTcp;
  Fd socket(::socket(v4 ? AF_INET : AF_INET6, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno_error(errno, "socket for " + text);
  if (stream) set_flag(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (!v4) set_flag(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  // Answers leave from the address that was asked.
  if (!stream && v4) set_flag(socket, IPPROTO_IP, IP_PKTINFO, 1);
  if (!stream && !v4) set_flag(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  const auto bound = ip_address(address.host, port);
  if (::bind(socket.get(), bound.generic(), bound.length) != 0) return listen_error(errno, text);
  if (stream && ::listen(socket.get(), kBacklog) != 0) return listen_error(errno, text);
  return socket;
}

// A socket file that nobody listens on, left by a host or daemon that went down.
bool is_stale(const std::string& path, const SocketAddress& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe.valid() && ::connect(probe.get(), address.generic(), address.length) != 0 && errno == ECONNREFUSED;
}

Result<Fd> listen_on_path(const ProxySettings& settings) {
  const std::string& path = settings.listen.path;
  const std::string text = "unix:" + path;
  const auto address = unix_address(path);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno_error(errno, "socket for " + text);
  const bool named = path.front() == '/';
  if (named && is_stale(path, address)) (void)::unlink(path.c_str());
  if (::bind(socket.get(), address.generic(), address.length) != 0) return listen_error(errno, text);
  auto ready = named ? give_rights(path, {settings.user, settings.group, settings.mode}) : Result<void>(kOk);
  if (ready.ok() && ::listen(socket.get(), kBacklog) != 0) ready = listen_error(errno, text);
  if (ready.ok()) return socket;
  if (named) (void)::unlink(path.c_str());
  return std::move(ready).error();
}

Result<std::vector<ProxySocket>> listen_on(const ProxySettings& settings) {
  std::vector<ProxySocket> sockets;
  if (settings.listen.kind == ProxyKind::kUnix) {
    sockets.push_back({{ProxyKind::kUnix, target_port(settings, 0)}, TRY(listen_on_path(settings))});
    return sockets;
  }
  for (std::size_t i = 0; i < settings.listen.ports.size(); ++i) {
    sockets.push_back({{settings.listen.kind, target_port(settings, i)},
                       TRY(listen_on_port(settings.listen, settings.listen.ports[i]))});
  }
  return sockets;
}

// On a thread of its own, which alone is in the container's network namespace.
Result<std::vector<ProxySocket>> listen_in(const Fd& network_namespace, const ProxySettings& settings) {
  Result<std::vector<ProxySocket>> sockets = Error(ErrorKind::kInternal, "not run");
  std::thread([&] {
    if (::setns(network_namespace.get(), CLONE_NEWNET) != 0) {
      sockets = errno_error(errno, "join the container's network namespace");
    } else {
      sockets = listen_on(settings);
    }
  }).join();
  return sockets;
}

// Somebody else listens there: the rules would take its connections away.
Result<void> check_free(const ProxySettings& settings) {
  for (const auto port : settings.listen.ports) {
    const auto probe = listen_on_port(settings.listen, port);
    if (!probe.ok() && probe.error().errno_value() == EADDRINUSE) return probe.error();
  }
  return kOk;
}

runtime::ProxyRule rule_of(const std::string& id, const ProxySettings& settings) {
  runtime::ProxyRule rule;
  rule.id = id;
  rule.text = settings.text;
  rule.announce = settings.announce;
  rule.target.kind = settings.connect.kind;
  rule.target.path = settings.connect.path;
  rule.target.inside = !settings.listens_inside;
  rule.target.user = settings.connect_user;
  rule.target.group = settings.connect_group;
  if (settings.connect.kind != ProxyKind::kUnix) {
    const auto& host = settings.connect.host;
    rule.target.host.assign(host.bytes.begin(), host.bytes.begin() + static_cast<std::ptrdiff_t>(host.size()));
  }
  return rule;
}

void remove_socket_file(const ProxySettings& settings) {
  const auto& path = settings.listen.path;
  if (!settings.listens_inside && settings.listen.kind == ProxyKind::kUnix && path.front() == '/') {
    (void)::unlink(path.c_str());
  }
}

}  // namespace

Proxies::Proxies(runtime::ProxyOptions options, std::function<void()> lost)
    : client_(std::move(options)), lost_(std::move(lost)) {}

Proxies::~Proxies() { end_watch(); }

void Proxies::end_watch() {
  std::thread watcher;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    cancel_.write_end.reset();
    watcher = std::move(watcher_);
  }
  if (watcher.joinable()) watcher.join();
}

Result<void> Proxies::start(const ProxyPlace& place, const ProxySettings& settings) {
  if (settings.nat) {
    const auto target = TRY(nat_target(settings, place.nics));
    TRY(check_free(settings));
    TRY(apply_nat(id_of(place.instance, settings.device), settings, target));
  } else {
    TRY(start_carried(place, settings));
  }
  note(place.instance, settings);
  return kOk;
}

Result<void> Proxies::start_carried(const ProxyPlace& place, const ProxySettings& settings) {
  Rollback undo;
  std::vector<ProxySocket> sockets;
  const bool named = settings.listen.kind == ProxyKind::kUnix && settings.listen.path.front() == '/';
  if (settings.listens_inside && named) {
    const runtime::InnerListener wanted{settings.listen.path, settings.mode, settings.user, settings.group};
    sockets.push_back({{ProxyKind::kUnix, target_port(settings, 0)}, TRY(client_.listen_inside(wanted, place.init))});
  } else if (settings.listens_inside) {
    sockets = TRY(listen_in(place.network_namespace, settings));
  } else {
    sockets = TRY(listen_on(settings));
    undo.add([&settings] { remove_socket_file(settings); });
  }
  TRY(client_.add(rule_of(id_of(place.instance, settings.device), settings), std::move(sockets), place.init));
  undo.commit();
  watch();
  return kOk;
}

Result<void> Proxies::stop(std::int64_t instance, const std::string& device) {
  ProxySettings settings;
  {
    const std::lock_guard lock(mutex_);
    const auto found = active_.find({instance, device});
    if (found == active_.end()) return kOk;
    settings = found->second;
    active_.erase(found);
  }
  const std::string id = id_of(instance, device);
  if (settings.nat) return remove_nat(id);
  remove_socket_file(settings);
  return client_.remove(id);
}

void Proxies::stop_all(std::int64_t instance) {
  std::vector<std::string> devices;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = active_.lower_bound({instance, ""}); it != active_.end() && it->first.first == instance; ++it) {
      devices.push_back(it->first.second);
    }
  }
  // The worker has let go of them with the container; what is left of the firewall goes with the next take_over().
  for (const auto& device : devices) (void)stop(instance, device).ok();
}

Result<std::vector<Proxies::Served>> Proxies::take_over(const std::vector<Served>& proxies) {
  std::map<std::string, std::string> carried;
  for (auto& listed : TRY(client_.list())) carried.emplace(std::move(listed.id), std::move(listed.text));
  std::vector<Served> missing;
  std::set<std::string> nat;
  bool any = false;
  for (const Served& proxy : proxies) {
    const std::string id = id_of(proxy.instance, proxy.settings.device);
    const auto found = carried.find(id);
    if (proxy.settings.nat) {
      nat.insert(id);
      missing.push_back(proxy);
    } else if (found != carried.end() && found->second == proxy.settings.text) {
      note(proxy.instance, proxy.settings);
      carried.erase(found);
      any = true;
    } else {
      missing.push_back(proxy);
    }
  }
  for (const auto& [id, text] : carried) TRY(client_.remove(id));
  TRY(retain_nat(nat));
  if (any) watch();
  return missing;
}

void Proxies::rest() {
  const std::lock_guard lock(mutex_);
  if (!watching_) client_.disconnect();
}

void Proxies::note(std::int64_t instance, const ProxySettings& settings) {
  const std::lock_guard lock(mutex_);
  active_[{instance, settings.device}] = settings;
}

void Proxies::watch() {
  const std::lock_guard lock(mutex_);
  if (watching_ || ended_) return;
  if (watcher_.joinable()) watcher_.join();
  if (!cancel_.read_end.valid()) {
    auto pipe = make_pipe();
    if (!pipe.ok()) return;  // then a lost worker is found at the next call
    cancel_ = *std::move(pipe);
  }
  watching_ = true;
  watcher_ = std::thread([this] {
    const bool lost = client_.wait_for_loss(cancel_.read_end);
    {
      const std::lock_guard guard(mutex_);
      watching_ = false;
    }
    if (lost) lost_();
  });
}

}  // namespace cella::manager
