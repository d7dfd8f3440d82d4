// The envelope every /1.0 answer comes in, and how its codes map to ErrorKind.
#pragma once

#include <string>
#include <string_view>

#include "api/values.h"
#include "base/result.h"
#include "base/status_code.h"

namespace cella::api {

// One answer. type: "sync", "async" or "error". metadata: the JSON text of the payload (empty for null).
struct Response {
  std::string type;
  std::string status;
  int status_code = 0;
  std::string operation;  // async: URL of the operation
  int error_code = 0;
  std::string error;
  RawJson metadata;
};

// The envelopes a server writes. metadata: JSON text.
std::string sync_envelope(std::string_view metadata);
std::string async_envelope(std::string_view operation_url, std::string_view metadata);
std::string error_envelope(int http_status, std::string_view message);

// HTTP status of an error kind: kInvalid 400, kUnsupported 400, kNotFound 404, kExists 409, kBusy 503,
// kDenied 403, the rest 500.
int http_status_of(ErrorKind kind);
// What a client makes of an HTTP status of 400 and above (412 is kExists).
ErrorKind error_kind_of(int http_status);

}  // namespace cella::api
