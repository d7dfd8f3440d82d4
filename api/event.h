// Frames of the /1.0/events WebSocket.
#pragma once

#include <optional>
#include <string>

#include "api/values.h"

namespace cella::api {

// metadata: an Operation for "operation", a LifecycleEvent for "lifecycle", a LoggingEvent for "logging".
struct Event {
  std::string type;
  std::string timestamp;
  RawJson metadata;
  std::string location;
  std::string project;
};

struct Requestor {
  std::string username;
  std::string protocol;
  std::string address;
};

struct LifecycleEvent {
  std::string action;  // "instance-started", …
  std::string source;  // URL of the object
  RawJson context;
  std::optional<Requestor> requestor;
};

struct LoggingEvent {
  std::string message;
  std::string level;
  ConfigMap context;
};

}  // namespace cella::api
