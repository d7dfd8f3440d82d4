// /1.0/operations: work that goes on after its request was answered.
#pragma once

#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct Operation {
  std::string id;
  std::string op_class;  // wire: "class": "task", "websocket", "token"
  std::string description;
  std::string created_at;
  std::string updated_at;
  std::string status;
  int status_code = 0;
  ResourceMap resources;
  RawJson metadata;  // an object: *_progress strings, "return" of exec, "fds" of websocket operations, "fingerprint", …
  bool may_cancel = false;
  std::string err;
  std::string location;

  bool finished() const { return status_code >= 200; }
};

// GET /1.0/operations?recursion=1: lower-case status → operations.
using OperationsByStatus = std::map<std::string, std::vector<Operation>>;

}  // namespace cella::api
