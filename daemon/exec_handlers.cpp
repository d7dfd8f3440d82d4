// POST /1.0/instances/NAME/exec
#include <fcntl.h>

#include <spdlog/spdlog.h>

#include "api/codec.h"
#include "api/exec.h"
#include "base/files.h"
#include "daemon/exec_session.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/instance_events.h"

namespace cella::daemon {
namespace {

constexpr std::int64_t kMaxDimension = 10000;

Result<int> dimension(std::string_view key, std::int64_t value) {
  if (value < 0 || value > kMaxDimension) return invalid_value(key, std::to_string(value), "expected 0 to 10000");
  return static_cast<int>(value);
}

Result<manager::ExecRequest> request_from_wire(const api::ExecRequest& body) {
  if (body.command.empty()) return Error(ErrorKind::kInvalid, "command: must not be empty");
  manager::ExecRequest request;
  request.command = body.command;
  request.environment = body.environment;
  request.user = body.user;
  request.group = body.group;
  request.directory = body.cwd;
  request.terminal = body.interactive;
  request.columns = TRY(dimension("width", body.width));
  request.rows = TRY(dimension("height", body.height));
  return request;
}

manager::Value::Object metadata_of(const api::ExecRequest& body) {
  manager::Value::List command;
  for (const std::string& word : body.command) command.emplace_back(word);
  manager::Value::Object environment;
  for (const auto& [key, value] : body.environment) environment[key] = manager::Value(value);
  return {{"command", manager::Value(std::move(command))},
          {"environment", manager::Value(std::move(environment))},
          {"interactive", manager::Value(body.interactive)}};
}

class ExecHandlers {
 public:
  ExecHandlers(manager::Server& server, ExecSession::Wiring wiring) : server_(server), wiring_(std::move(wiring)) {}

  Result<Reply> exec(const Request& request) {
    const auto body = TRY(api::decode<api::ExecRequest>(request.body));
    const manager::ExecRequest exec = TRY(request_from_wire(body));
    const manager::Instance instance = TRY(server_.instances().find(request.parameter("name")));
    if (instance.status == StatusCode::kFrozen) return Error(ErrorKind::kInvalid, "Instance is frozen");
    if (instance.status != StatusCode::kRunning) return Error(ErrorKind::kInvalid, "Instance is not running");
    announce(request, instance.key(), body);
    return body.wait_for_websocket ? exec_on_sockets(instance.key(), body, exec)
                                   : exec_detached(instance.key(), body, exec);
  }

 private:
  static manager::OperationRequest operation_for(const std::string& instance, const api::ExecRequest& body) {
    manager::OperationRequest operation;
    operation.description = "Executing command";
    operation.resources["instances"] = {manager::short_name(instance)};
    operation.project = manager::project_of(instance);
    operation.metadata = metadata_of(body);
    return operation;
  }

  void announce(const Request& request, const std::string& instance, const api::ExecRequest& body) {
    manager::tell_of_instance(server_.events(), "instance-exec", instance, requestor_of(request),
                              {{"command", metadata_of(body)["command"]}});
  }

  Result<Reply> exec_on_sockets(const std::string& instance, const api::ExecRequest& body,
                                const manager::ExecRequest& exec) {
    const SocketSecrets secrets = make_secrets(ExecSession::socket_names(body.interactive));
    manager::OperationRequest operation = operation_for(instance, body);
    operation.operation_class = manager::OperationClass::kWebsocket;
    manager::Value::Object fds;
    for (const auto& [name, secret] : secrets) fds[name] = manager::Value(secret);
    operation.metadata["fds"] = manager::Value(std::move(fds));
    const manager::OperationHandle handle = server_.operations().begin(std::move(operation));
    auto session = std::make_shared<ExecSession>(wiring_, instance, exec, handle);
    wiring_.sockets.add(handle.id(), secrets, session);
    boost::asio::post(wiring_.io, [session] { session->start(); });
    return operation_reply(server_.operations(), handle.id());
  }

  // Nobody is connected: input is empty, output is dropped or recorded in the instance's log directory.
  Result<Reply> exec_detached(const std::string& instance, const api::ExecRequest& body,
                              const manager::ExecRequest& exec) {
    if (body.interactive) {
      return Error(ErrorKind::kInvalid, "interactive: needs wait-for-websocket");
    }
    Fd input = TRY(open_path("/dev/null", O_RDONLY));
    Fd output = TRY(open_path("/dev/null", O_WRONLY));
    Fd errors = TRY(open_path("/dev/null", O_WRONLY));
    manager::OperationRequest request = operation_for(instance, body);
    if (body.record_output) {
      const std::string directory = server_.state_dir() + "/logs/" + instance;
      TRY(make_dirs(directory, 0700));
      const std::string stem = "exec_" + manager::random_uuid();
      output = TRY(open_path(directory + "/" + stem + ".stdout", O_WRONLY | O_CREAT | O_EXCL, 0600));
      errors = TRY(open_path(directory + "/" + stem + ".stderr", O_WRONLY | O_CREAT | O_EXCL, 0600));
      const std::string url = manager::instance_url(instance, "/logs/" + stem);
      request.metadata["output"] = manager::Value(
          manager::Value::Object{{"1", manager::Value(url + ".stdout")}, {"2", manager::Value(url + ".stderr")}});
    }
    const manager::OperationHandle handle = server_.operations().begin(std::move(request));
    const int stdio[3] = {input.get(), output.get(), errors.get()};
    Result<manager::ExecProcess> process = server_.instances().exec(instance, exec, stdio, [handle](int wait_status) {
      handle.set_metadata("return", return_code_of(wait_status));
      handle.finish(kOk);
    });
    if (!process.ok()) {
      if (const auto code = return_code_of(process.error())) handle.set_metadata("return", *code);
      handle.finish(process.error());
    }
    return operation_reply(server_.operations(), handle.id());
  }

  manager::Server& server_;
  ExecSession::Wiring wiring_;
};

}  // namespace

void add_exec_routes(Router& router, manager::Server& server, SocketOperations& sockets, boost::asio::io_context& io,
                     RunOnWorker run) {
  auto handlers =
      std::make_shared<ExecHandlers>(server, ExecSession::Wiring{io, server.instances(), sockets, std::move(run)});
  router.add("POST", "/1.0/instances/{name}/exec",
             [handlers](const Request& request) { return handlers->exec(request); });
}

}  // namespace cella::daemon
