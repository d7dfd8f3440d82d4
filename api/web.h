// Plain HTTPS for servers that do not speak this API: image servers and the addresses of images.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/client.h"
#include "base/fd.h"
#include "base/result.h"

namespace cella::api {

struct WebRequest {
  std::string url;               // https only; redirects stay on https
  std::string certificate = {};  // PEM of a server or authority to believe; empty: the system's authorities
  Headers headers = {};
  std::uint64_t limit = 0;  // bytes of the body at most
};

struct WebAnswer {
  std::string url;  // where the redirects ended
  Headers headers;  // of the last answer
  std::string body;
  std::string header(std::string_view name) const;  // names are compared without case; "" when absent
};

// Errors everywhere: kInvalid for an address that is not https; kNotFound for 404 and 410; kDenied for a certificate
// that is not believed; kNoSpace for a body over the limit; kCancelled; kIo naming the address otherwise.

Result<WebAnswer> web_get(const WebRequest& request);
// Headers only.
Result<WebAnswer> web_head(const WebRequest& request);
// Writes the body to the file, from its present end. A connection that breaks is taken up again where it broke, as long
// as it brings something each time; servers that cannot continue are asked for everything once more.
Result<WebAnswer> web_download(const WebRequest& request, const Fd& file, const TransferProgress& progress);

}  // namespace cella::api
