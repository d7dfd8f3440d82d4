#include "api/exec.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<ExecRequest> {
  static void visit(auto& v, auto& x) {
    v("command", x.command);
    v("wait-for-websocket", x.wait_for_websocket);
    v("interactive", x.interactive);
    v("environment", x.environment);
    v("width", x.width);
    v("height", x.height);
    v("record-output", x.record_output);
    v("user", x.user);
    v("group", x.group);
    v("cwd", x.cwd);
  }
};
template <>
struct Members<ExecMetadata> {
  static void visit(auto& v, auto& x) {
    v("command", x.command);
    v("environment", x.environment);
    v("fds", x.fds);
    v("interactive", x.interactive);
    v("return", x.return_code);
  }
};
template <>
struct Members<ConsoleRequest> {
  static void visit(auto& v, auto& x) {
    v("width", x.width);
    v("height", x.height);
    v("type", x.type);
  }
};
template <>
struct Members<ControlMessage> {
  static void visit(auto& v, auto& x) {
    v("command", x.command);
    v("args", x.args);
    v("signal", x.signal);
  }
};

CELLA_API_CODEC(ExecRequest)
CELLA_API_CODEC(ExecMetadata)
CELLA_API_CODEC(ConsoleRequest)
CELLA_API_CODEC(ControlMessage)

}  // namespace cella::api
