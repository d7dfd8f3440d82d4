#include "base/status_code.h"

namespace cella {

std::string_view status_text(StatusCode code) {
  switch (code) {
    case StatusCode::kOperationCreated: return "Operation created";
    case StatusCode::kStarted: return "Started";
    case StatusCode::kStopped: return "Stopped";
    case StatusCode::kRunning: return "Running";
    case StatusCode::kCancelling: return "Cancelling";
    case StatusCode::kPending: return "Pending";
    case StatusCode::kStarting: return "Starting";
    case StatusCode::kStopping: return "Stopping";
    case StatusCode::kAborting: return "Aborting";
    case StatusCode::kFreezing: return "Freezing";
    case StatusCode::kFrozen: return "Frozen";
    case StatusCode::kThawed: return "Thawed";
    case StatusCode::kError: return "Error";
    case StatusCode::kReady: return "Ready";
    case StatusCode::kSuccess: return "Success";
    case StatusCode::kFailure: return "Failure";
    case StatusCode::kCancelled: return "Cancelled";
  }
  return "Unknown";
}

}  // namespace cella
