// POST /1.0/instances/NAME/exec
#include <fcntl.h>

#include <spdlog/spdlog.h>

#include "api/codec.h"
#include "api/exec.h"
#include "base/files.h"
#include "daemon/exec_session.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/container_plan.h"
#include "manager/instance_logs.h"
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

std::map<std::string, std::string> environment_of(const manager::Instance& instance) {
  constexpr std::string_view kPrefix = "environment.";
  std::map<std::string, std::string> environment;
  for (const auto& [key, value] : instance.expanded_config) {
    if (key.starts_with(kPrefix) && !value.empty()) environment[key.substr(kPrefix.size())] = value;
  }
  return environment;
}

manager::Value command_of(const manager::ExecRequest& exec) {
  manager::Value::List command;
  for (const std::string& word : exec.command) command.emplace_back(word);
  return manager::Value(std::move(command));
}

manager::Value::Object metadata_of(const manager::Instance& instance, const manager::ExecRequest& exec) {
  manager::Value::Object environment;
  for (const auto& [key, value] : manager::exec_environment(exec, environment_of(instance))) {
    environment[key] = manager::Value(value);
  }
  return {{"command", command_of(exec)},
          {"environment", manager::Value(std::move(environment))},
          {"interactive", manager::Value(exec.terminal)}};
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
    manager::tell_of_instance(server_.events(), "instance-exec", instance.key(), requestor_of(request),
                              {{"command", command_of(exec)}});
    return body.wait_for_websocket ? exec_on_sockets(instance, exec) : exec_detached(instance, body, exec);
  }

 private:
  static manager::OperationRequest operation_for(const manager::Instance& instance, const manager::ExecRequest& exec) {
    manager::OperationRequest operation;
    operation.description = "Executing command";
    operation.resources["instances"] = {instance.name};
    operation.project = instance.project;
    operation.metadata = metadata_of(instance, exec);
    return operation;
  }

  Result<Reply> exec_on_sockets(const manager::Instance& instance, const manager::ExecRequest& exec) {
    const SocketSecrets secrets = make_secrets(ExecSession::socket_names(exec.terminal));
    manager::OperationRequest operation = operation_for(instance, exec);
    operation.operation_class = manager::OperationClass::kWebsocket;
    manager::Value::Object fds;
    for (const auto& [name, secret] : secrets) fds[name] = manager::Value(secret);
    operation.metadata["fds"] = manager::Value(std::move(fds));
    const manager::OperationHandle handle = server_.operations().begin(std::move(operation));
    auto session = std::make_shared<ExecSession>(wiring_, instance.key(), exec, handle);
    wiring_.sockets.add(handle.id(), secrets, session);
    boost::asio::post(wiring_.io, [session] { session->start(); });
    return operation_reply(server_.operations(), handle.id());
  }

  // Nobody is connected: input is empty, output is dropped or recorded in the instance's log directory.
  Result<Reply> exec_detached(const manager::Instance& instance, const api::ExecRequest& body,
                              const manager::ExecRequest& exec) {
    if (body.interactive) {
      return Error(ErrorKind::kInvalid, "interactive: needs wait-for-websocket");
    }
    Fd input = TRY(open_path("/dev/null", O_RDONLY));
    Fd output = TRY(open_path("/dev/null", O_WRONLY));
    Fd errors = TRY(open_path("/dev/null", O_WRONLY));
    manager::OperationRequest request = operation_for(instance, exec);
    if (body.record_output) {
      const DirFd directory = TRY(server_.logs().open_or_make(instance.key()));
      const std::string stem = "exec_" + manager::random_uuid();
      manager::Value::Object urls;
      const auto record = [&](const char* number, const std::string& file) {
        urls[number] = manager::Value(manager::instance_url(instance.key(), "/logs/" + file));
        return open_at(directory, file, O_WRONLY | O_CREAT | O_EXCL, 0600);
      };
      output = TRY(record("1", stem + ".stdout"));
      errors = TRY(record("2", stem + ".stderr"));
      request.metadata["output"] = manager::Value(std::move(urls));
    }
    const manager::OperationHandle handle = server_.operations().begin(std::move(request));
    const int stdio[3] = {input.get(), output.get(), errors.get()};
    Result<manager::ExecProcess> process = server_.instances().exec(instance.key(), exec, stdio, [handle](int wait_status) {
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
