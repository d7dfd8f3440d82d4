// What one operation looks like to a client: values only. The work behind it is in operations.h.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_code.h"
#include "manager/value.h"

namespace cella::manager {

using Timestamp = std::chrono::system_clock::time_point;
using OperationId = std::string;  // a random uuid

enum class OperationClass { kTask, kWebsocket, kToken };
// "task", "websocket", "token"
std::string_view class_text(OperationClass operation_class);

// Who asked: part of lifecycle events.
struct Requestor {
  std::string username;
  std::string protocol;  // "unix", "tls"
  std::string address;
};

struct OperationRecord {
  OperationId id;
  OperationClass operation_class = OperationClass::kTask;
  std::string description;
  Timestamp created_at;
  Timestamp updated_at;
  StatusCode status = StatusCode::kPending;
  // Noun (as in the URL: "instances", "images", …) → names. The daemon renders "/1.0/NOUN/NAME".
  std::map<std::string, std::vector<std::string>> resources;
  Value::Object metadata;
  bool may_cancel = false;
  std::string error;  // empty unless status is kFailure or kCancelled
  std::string location = "none";
  std::string project = "default";

  bool finished() const { return status >= StatusCode::kSuccess; }
};

}  // namespace cella::manager
