// Finds the handler of a request by method and path. A value: filled once, then read from many threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "daemon/message.h"

namespace cella::daemon {

// Answers at once (on a worker thread, may take its time).
using Handler = std::function<Result<Reply>(const Request&)>;
// Answers later, exactly once, from any thread. Runs on a worker thread.
using Respond = std::function<void(Reply)>;
using DeferredHandler = std::function<void(const Request&, Respond)>;
// Reads the body itself; has a thread of its own while it runs.
using UploadHandler = std::function<Result<Reply>(const Request&, BodyReader&)>;
// Accepts a WebSocket: returns what takes the connection over (called on the I/O thread), or why not.
using TakeWebSocket = std::function<void(std::shared_ptr<WebSocketPeer>)>;
using WebSocketHandler = std::function<Result<TakeWebSocket>(const Request&)>;

using AnyHandler = std::variant<Handler, DeferredHandler, UploadHandler, WebSocketHandler>;

// A request's path as everything reads it, from the rules of access to the router: without empty parts.
// "/1.0//images/a%2Fb/" → "/1.0/images/a%2Fb".
// Errors: kInvalid for %-escapes before the third part: only names need them, and nouns must not have two spellings.
Result<std::string> canonical_path(std::string_view path);

class Router {
 public:
  // pattern: "/1.0/instances/{name}/state"; a "{name}" part takes any one non-empty part of the path.
  void add(const std::string& method, std::string_view pattern, Handler handler);
  void add_deferred(const std::string& method, std::string_view pattern, DeferredHandler handler);
  void add_upload(const std::string& method, std::string_view pattern, UploadHandler handler);
  void add_websocket(std::string_view pattern, WebSocketHandler handler);  // GET with Upgrade

  struct Match {
    const AnyHandler* handler = nullptr;
    std::map<std::string, std::string> parameters;
  };
  // path: percent-encoded, without query. /1.0/containers and /1.0/virtual-machines mean /1.0/instances with the
  // parameter "kind" set to what was asked for ("instances" otherwise).
  // Errors: kNotFound for an unknown path; kUnsupported for a known one without this method; kInvalid for a bad
  // %-escape.
  Result<Match> find(std::string_view method, std::string_view path) const;

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children;
    std::unique_ptr<Node> any;                                           // the "{…}" child
    std::map<std::string, AnyHandler, std::less<>> handlers;             // by method
    std::map<std::string, std::vector<std::string>, std::less<>> names;  // by method: of the "{…}" parts on the way
  };
  void insert(const std::string& method, std::string_view pattern, AnyHandler handler);
  static const Node* walk(const Node& node, const std::vector<std::string>& parts, std::size_t at,
                          std::vector<std::string>& taken);

  Node root_;
};

}  // namespace cella::daemon
