// POST /1.0/instances/NAME/exec and …/console, and the control messages on their sockets.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct ExecRequest {
  std::vector<std::string> command;
  bool wait_for_websocket = false;  // wire: "wait-for-websocket"
  bool interactive = false;
  ConfigMap environment;
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool record_output = false;  // wire: "record-output"
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::string cwd;
};

// metadata of an exec operation. fds: "0", "1", "2", "control" → secret.
struct ExecMetadata {
  std::vector<std::string> command;
  ConfigMap environment;
  std::map<std::string, std::string> fds;
  bool interactive = false;
  std::int64_t return_code = -1;  // wire: "return"; -1 until the command is over
};

struct ConsoleRequest {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::string type;  // "console" or empty
};

// A TEXT frame on the control socket. command: "window-resize" (args width, height in decimal) or "signal".
struct ControlMessage {
  std::string command;
  std::map<std::string, std::string> args;
  int signal = 0;
};

}  // namespace cella::api
