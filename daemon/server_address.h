// Addresses of other servers, as requests name them.
#pragma once

#include <string>
#include <string_view>

#include "api/client.h"
#include "base/result.h"

namespace cella::daemon {

// Host and port of "https://host:port[/…]", with the certificate (PEM) that server must have; empty: the system's
// authorities vouch for it. key: the request's member, for errors. Errors: kInvalid naming key and address.
Result<api::TlsServer> tls_server_of(std::string_view url, const std::string& certificate, std::string_view key);

}  // namespace cella::daemon
