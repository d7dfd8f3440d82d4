#include "daemon/server_address.h"

namespace cella::daemon {

Result<api::TlsServer> tls_server_of(std::string_view url, const std::string& certificate, std::string_view key) {
  constexpr std::string_view kHttps = "https://";
  if (!url.starts_with(kHttps)) return invalid_value(key, url, "must start with https://");
  std::string_view rest = url.substr(kHttps.size());
  rest = rest.substr(0, rest.find('/'));
  const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  api::TlsServer server{.host = std::string(rest.substr(0, colon)), .port = "443"};
  if (colon != std::string_view::npos) server.port = rest.substr(colon + 1);
  if (bracket != std::string_view::npos) server.host = rest.substr(1, bracket - 1);
  const bool digits = !server.port.empty() && server.port.size() <= 5 &&
                      server.port.find_first_not_of("0123456789") == std::string::npos;
  if (server.host.empty() || !digits) return invalid_value(key, url, "expected https://host:port");
  server.certificate = certificate;
  server.trust = certificate.empty() ? api::TlsTrust::kAuthorities : api::TlsTrust::kPinned;
  return server;
}

}  // namespace cella::daemon
