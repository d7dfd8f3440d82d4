#include "daemon/https_listener.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "api/x509.h"
#include "base/units.h"

namespace cella::daemon {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "cella";
}

bool is_address(const std::string& host) {
  in6_addr v6{};
  in_addr v4{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 || inet_pton(AF_INET, host.c_str(), &v4) == 1;
}

std::string text_of(const std::string& host, std::uint16_t port) {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Result<Fd> bind_to(int family, const sockaddr* address, socklen_t length, const std::string& text) {
  Fd listener(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return errno_error(errno, "socket for " + text);
  const int on = 1, off = 0;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // "[::]" means every address of both families.
  if (family == AF_INET6) setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(listener.get(), address, length) != 0) return errno_error(errno, "bind " + text);
  if (listen(listener.get(), SOMAXCONN) != 0) return errno_error(errno, "listen on " + text);
  return listener;
}

Result<Fd> listen_on(const ListenAddress& wanted) {
  const std::string text = text_of(wanted.host.empty() ? "::" : wanted.host, wanted.port);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(wanted.port);
  if (wanted.host.empty() || inet_pton(AF_INET6, wanted.host.c_str(), &v6.sin6_addr) == 1) {
    // SAFETY: sockaddr_in6 and sockaddr_in are what the kernel expects behind sockaddr.
    auto bound = bind_to(AF_INET6, reinterpret_cast<const sockaddr*>(&v6), sizeof v6, text);
    // A kernel without IPv6 still has the other half of "everywhere".
    if (bound.ok() || !wanted.host.empty() || bound.error().errno_value() != EAFNOSUPPORT) return bound;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(wanted.port);
  if (!wanted.host.empty()) inet_pton(AF_INET, wanted.host.c_str(), &v4.sin_addr);
  return bind_to(AF_INET, reinterpret_cast<const sockaddr*>(&v4), sizeof v4, text);
}

// Global unicast addresses of interfaces that are up.
std::vector<std::string> host_addresses(bool with_v6) {
  ifaddrs* found = nullptr;
  if (getifaddrs(&found) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(found, freeifaddrs);
  std::vector<std::string> out;
  for (const ifaddrs* at = found; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_LOOPBACK) != 0) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    // SAFETY: the family says which address it is.
    if (at->ifa_addr->sa_family == AF_INET) {
      inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr, text.data(), text.size());
    } else if (at->ifa_addr->sa_family == AF_INET6 && with_v6) {
      const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr;
      if (IN6_IS_ADDR_LINKLOCAL(&address)) continue;
      inet_ntop(AF_INET6, &address, text.data(), text.size());
    }
    if (text[0] != '\0') out.emplace_back(text.data());
  }
  return out;
}

}  // namespace

Result<ListenAddress> parse_listen_address(const std::string& text, ListenKey key) {
  ListenAddress out{{}, key.port};
  std::string port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    const bool closed = end != std::string::npos && (end + 1 == text.size() || text[end + 1] == ':');
    if (!closed) return invalid_value(key.name, text, "expected [address]:port");
    out.host = text.substr(1, end - 1);
    port = text.substr(std::min(end + 2, text.size()));
    if (end + 1 < text.size() && port.empty()) return invalid_value(key.name, text, "the port is missing");
  } else if (const std::size_t colon = text.find(':'); colon != std::string::npos && colon == text.rfind(':')) {
    out.host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return invalid_value(key.name, text, "the port is missing");
  } else {
    out.host = text;
  }
  if (out.host == "*") out.host.clear();
  if (!out.host.empty() && !is_address(out.host)) return invalid_value(key.name, text, "expected an address, not a name");
  if (!port.empty()) {
    const std::uint64_t number = TRY(parse_unsigned(key.name, port));
    if (number == 0 || number > 65535) return invalid_value(key.name, text, "the port must be 1 to 65535");
    out.port = static_cast<std::uint16_t>(number);
  }
  return out;
}

Result<void> HttpsListener::load_identity() {
  if (!identity_.certificate.empty()) return kOk;
  const api::KeyPair pair = TRY_CONTEXT(
      "server certificate", api::load_or_make_key_pair(state_dir_ + "/server.crt", state_dir_ + "/server.key",
                                                       "root@" + host_name(), api::KeyPairUse::kServer));
  fingerprint_ = TRY(api::fingerprint_of_pem(pair.certificate));
  identity_ = {pair.certificate, pair.key};
  return kOk;
}

Result<void> HttpsListener::replace(const ListenAddress& address) {
  std::vector<Fd> listeners;
  listeners.push_back(TRY_CONTEXT(std::string(key_.name), listen_on(address)));
  return http_.serve_tls(std::move(listeners), identity_);
}

Result<void> HttpsListener::listen(const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (address.empty()) {
    TRY(http_.serve_tls({}, identity_));
    present_.reset();
    return kOk;
  }
  const ListenAddress wanted = TRY(parse_listen_address(address, key_));
  TRY(load_identity());
  auto replaced = replace(wanted);
  // The same port on another address may be in its own way.
  if (!replaced.ok() && replaced.error().errno_value() == EADDRINUSE && present_ && present_->port == wanted.port) {
    http_.stop_tls();
    replaced = replace(wanted);
    if (!replaced.ok()) static_cast<void>(replace(*present_));
  }
  TRY(std::move(replaced));
  present_ = wanted;
  return kOk;
}

std::vector<std::string> HttpsListener::addresses() const {
  const std::lock_guard lock(mutex_);
  if (!present_) return {};
  const bool everywhere = present_->host.empty() || present_->host == "::";
  if (!everywhere && present_->host != "0.0.0.0") return {text_of(present_->host, present_->port)};
  std::vector<std::string> out;
  for (const std::string& host : host_addresses(everywhere)) out.push_back(text_of(host, present_->port));
  return out;
}

std::string HttpsListener::certificate() const {
  const std::lock_guard lock(mutex_);
  return identity_.certificate;
}

std::string HttpsListener::fingerprint() const {
  const std::lock_guard lock(mutex_);
  return fingerprint_;
}

}  // namespace cella::daemon
