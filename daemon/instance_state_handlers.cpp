// /1.0/instances/NAME/state and …/trace, and PUT /1.0/instances for many at once.
#include "api/codec.h"
#include "api/launch_trace.h"
#include "daemon/handlers.h"
#include "daemon/instance_requests.h"
#include "daemon/wire.h"

namespace cella::daemon {
namespace {

// The instances an action has something to do for: "all" must not fail for those already there.
bool applies(manager::StateAction action, StatusCode status) {
  const bool running = status == StatusCode::kRunning;
  const bool frozen = status == StatusCode::kFrozen;
  switch (action) {
    case manager::StateAction::kStart:
      return !running;
    case manager::StateAction::kStop:
      return running || frozen;
    case manager::StateAction::kRestart:
    case manager::StateAction::kFreeze:
      return running;
    case manager::StateAction::kUnfreeze:
      return frozen;
  }
  return false;
}

std::string bulk_description(manager::StateAction action) {
  switch (action) {
    case manager::StateAction::kStart:
      return "Starting instance";
    case manager::StateAction::kStop:
      return "Stopping instance";
    case manager::StateAction::kRestart:
      return "Restarting instance";
    case manager::StateAction::kFreeze:
      return "Freezing instance";
    case manager::StateAction::kUnfreeze:
      return "Unfreezing instance";
  }
  return "";
}

class InstanceStateHandlers : public std::enable_shared_from_this<InstanceStateHandlers> {
 public:
  explicit InstanceStateHandlers(manager::Server& server) : server_(server) {}

  Result<Reply> get(const Request& request) {
    return sync_reply(api::encode(to_wire(TRY(server_.instances().state(request.parameter("name"))))));
  }

  Result<Reply> trace(const Request& request) {
    const manager::LaunchTrace trace = TRY(server_.instances().launch_trace(request.parameter("name")));
    std::vector<api::LaunchTraceStep> steps;
    for (const manager::LaunchTrace::Step& step : trace.steps) {
      steps.push_back({step.name, step.nanoseconds});
    }
    return sync_reply(api::encode_list(steps));
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::InstanceStatePut>(request.body));
    const manager::StateChange change = TRY(state_change_from_wire(body));
    return operation_reply(server_.operations(), TRY(server_.instances().change_state(request.parameter("name"), change,
                                                                                      requestor_of(request))));
  }

  Result<Reply> put_many(const Request& request) {
    const auto body = TRY(api::decode<api::InstancesPut>(request.body));
    const manager::StateChange change = TRY(state_change_from_wire(body.state));
    manager::OperationRequest operation;
    operation.description = bulk_description(change.action);
    std::vector<std::string> names;
    for (const manager::Instance& instance : server_.instances().list()) {
      if (instance.project != request.project || !applies(change.action, instance.status)) continue;
      names.push_back(instance.key());
      operation.resources["instances"].push_back(instance.name);
    }
    operation.project = request.project;
    const manager::OperationId id = server_.operations().start(
        std::move(operation), [names, change, caller = requestor_of(request), self = shared_from_this()](
                                  const manager::OperationHandle& operation) {
          return self->change_all(names, change, caller, operation);
        });
    return operation_reply(server_.operations(), id);
  }

 private:
  // All at the same time; every failure is named.
  Result<void> change_all(const std::vector<std::string>& names, const manager::StateChange& change,
                          const manager::Requestor& caller, const manager::OperationHandle& operation) {
    std::vector<std::pair<std::string, manager::OperationId>> begun;
    std::string failures;
    const auto failed = [&](const std::string& name, const std::string& why) {
      failures += (failures.empty() ? "" : "; ") + manager::short_name(name) + ": " + why;
    };
    for (const std::string& name : names) {
      Result<manager::OperationId> id = server_.instances().change_state(name, change, caller);
      if (id.ok()) {
        begun.emplace_back(name, *std::move(id));
      } else {
        failed(name, id.error().message());
      }
    }
    // Else as many bulk changes as the pool has threads would keep the changes they wait for from running.
    const manager::OperationHandle::Waiting waiting(operation);
    for (const auto& [name, id] : begun) {
      const Result<manager::OperationRecord> record = server_.operations().wait(id, std::nullopt);
      if (record.ok() && !record->error.empty()) failed(name, record->error);
    }
    if (failures.empty()) return kOk;
    return Error(ErrorKind::kInvalid, failures);
  }

  manager::Server& server_;
};

}  // namespace

void add_instance_state_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<InstanceStateHandlers>(server);
  router.add("GET", "/1.0/instances/{name}/state",
             [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", "/1.0/instances/{name}/state",
             [handlers](const Request& request) { return handlers->put(request); });
  router.add("GET", "/1.0/instances/{name}/trace",
             [handlers](const Request& request) { return handlers->trace(request); });
  router.add("PUT", "/1.0/instances", [handlers](const Request& request) { return handlers->put_many(request); });
}

}  // namespace cella::daemon
