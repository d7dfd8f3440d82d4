// POST /1.0/instances/NAME/console
#include "api/codec.h"
#include "api/exec.h"
#include "daemon/console_session.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/instance_events.h"

namespace cella::daemon {

void add_console_routes(Router& router, manager::Server& server, SocketOperations& sockets, boost::asio::io_context& io,
                        RunOnWorker run) {
  router.add(
      "POST", "/1.0/instances/{name}/console", [&server, &sockets, &io, run](const Request& request) -> Result<Reply> {
        const auto body = TRY(api::decode<api::ConsoleRequest>(request.body));
        if (!body.type.empty() && body.type != "console") {
          return Error(ErrorKind::kUnsupported, "type \"" + body.type + "\": containers have a text console only");
        }
        const manager::Instance instance = TRY(server.instances().find(request.parameter("name")));
        if (instance.status != StatusCode::kRunning && instance.status != StatusCode::kFrozen) {
          return Error(ErrorKind::kInvalid, "Instance is not running");
        }
        if (body.width > 0 && body.height > 0 && body.width <= 10000 && body.height <= 10000) {
          TRY(server.instances().resize_console(instance.key(), static_cast<int>(body.width),
                                                static_cast<int>(body.height)));
        }
        const SocketSecrets secrets = make_secrets({"0", "control"});
        manager::OperationRequest operation;
        operation.description = "Showing console";
        operation.operation_class = manager::OperationClass::kWebsocket;
        operation.resources["instances"] = {instance.name};
        operation.project = instance.project;
        manager::Value::Object fds;
        for (const auto& [name, secret] : secrets) fds[name] = manager::Value(secret);
        operation.metadata["fds"] = manager::Value(std::move(fds));
        const manager::OperationHandle handle = server.operations().begin(std::move(operation));
        auto session = std::make_shared<ConsoleSession>(io, server.instances(), sockets, run, instance.key(), handle);
        sockets.add(handle.id(), secrets, session);
        boost::asio::post(io, [session] { session->start(); });
        manager::tell_of_instance(server.events(), "instance-console", instance.key(), requestor_of(request));
        return operation_reply(server.operations(), handle.id());
      });
}

}  // namespace cella::daemon
