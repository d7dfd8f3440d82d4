// The status numbers of instances and operations, one vocabulary from the kernel's events to the client.
#pragma once

#include <string_view>

namespace cella {

// Numbers and texts are part of the wire contract: codes of `status_code` in envelopes, operations and instances. At 200
// and above an operation is over. Source: LXD shared/api/status_code.go.
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

// "Running", "Success", "Operation created" …; "Unknown" for a number that is none of these.
std::string_view status_text(StatusCode code);

}  // namespace cella
