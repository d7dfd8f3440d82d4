// Where the API, or a part of it, is served over the network, and the server's own certificate.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/http_server.h"

namespace cella::daemon {

inline constexpr std::uint16_t kDefaultHttpsPort = 8443;

struct ListenAddress {
  std::string host;  // an address without brackets; empty: all of IPv6 and IPv4
  std::uint16_t port = kDefaultHttpsPort;
};

// What a server key with an address is for.
struct ListenKey {
  std::string_view name = "core.https_address";
  std::uint16_t port = kDefaultHttpsPort;  // where the text gives none
};
inline constexpr ListenKey kApiKey{};
inline constexpr ListenKey kMetricsKey{"core.metrics_address", 9100};

// "[::]:8443", "192.0.2.1", ":8443", "::1", "*". Errors: kInvalid naming the key and the text.
Result<ListenAddress> parse_listen_address(const std::string& text, ListenKey key = kApiKey);

// Thread-safe, but not for the I/O thread. http outlives it.
class HttpsListener {
 public:
  HttpsListener(HttpServer& http, std::string state_dir, ListenKey key = kApiKey)
      : http_(http), state_dir_(std::move(state_dir)), key_(key) {}

  ListenKey key() const { return key_; }

  // Listens there and nowhere else; empty: not at all. The server's key pair is made at first use
  // (STATE/server.crt, server.key). On failure everything stays as it was. Errors: kInvalid; those of bind(2).
  Result<void> listen(const std::string& address);

  // "192.0.2.1:8443" for each address that clients may use; without loopback when it listens on all.
  std::vector<std::string> addresses() const;
  // PEM and fingerprint of the server's certificate; empty before the first listen().
  std::string certificate() const;
  std::string fingerprint() const;

 private:
  Result<void> load_identity();
  Result<void> replace(const ListenAddress& address);

  HttpServer& http_;
  const std::string state_dir_;
  const ListenKey key_;
  mutable std::mutex mutex_;
  TlsIdentity identity_;
  std::string fingerprint_;
  std::optional<ListenAddress> present_;
};

}  // namespace cella::daemon
