// The envelope every /1.0 answer comes in, LXD's status codes, and their mapping to ErrorKind.
#pragma once

#include <string>
#include <string_view>

#include "api/values.h"
#include "base/result.h"

namespace cella::api {

// Codes of `status_code` in envelopes, operations and instances. At 200 and above an operation is over.
enum class StatusCode : int {
  kOperationCreated = 100,
  kStarted = 101,
  kStopped = 102,
  kRunning = 103,
  kCancelling = 104,
  kPending = 105,
  kStarting = 106,
  kStopping = 107,
  kAborting = 108,
  kFreezing = 109,
  kFrozen = 110,
  kThawed = 111,
  kError = 112,
  kReady = 113,
  kSuccess = 200,
  kFailure = 400,
  kCancelled = 401,
};

// LXD's word for a code ("Running"); "" for kOperationCreated's "Operation created" see the envelope.
std::string_view status_text(StatusCode code);

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
