// /1.0/instances/NAME/backups
#include "api/backup.h"
#include "api/codec.h"
#include "daemon/backup_files.h"
#include "daemon/collection.h"
#include "daemon/handlers.h"
#include "daemon/instance_backups.h"
#include "daemon/wire.h"
#include "manager/instance_backups.h"

namespace cella::daemon {

api::Backup to_wire(const manager::BackupRecord& record) {
  api::Backup out;
  out.name = record.name;
  out.created_at = time_to_wire(record.created_at);
  out.expires_at = time_to_wire(record.expires_at);
  out.instance_only = record.instance_only;
  out.container_only = record.instance_only;
  return out;
}

namespace {

class BackupHandlers {
 public:
  explicit BackupHandlers(manager::Server& server) : server_(server), backups_(server.backups()) {}

  Result<Reply> list(const Request& request) {
    const std::string& name = request.parameter("name");
    const std::string base = "/1.0/" + request.parameter("kind") + "/" + manager::short_name(name) + "/backups/";
    const std::string query = manager::project_query(request.project);
    return collection_reply(
        request, TRY(backups_.list(name)), [](const manager::BackupRecord& record) { return to_wire(record); },
        [&](const manager::BackupRecord& record) { return base + api::percent_encode(record.name) + query; });
  }

  Result<Reply> create(const Request& request) {
    const auto body = TRY(api::decode<api::BackupsPost>(request.body));
    manager::BackupCreate create;
    create.name = body.name;
    if (body.expires_at) create.expires_at = TRY_CONTEXT("expires_at", time_from_wire(*body.expires_at));
    create.instance_only = body.instance_only || body.container_only;
    create.optimized = body.optimized_storage;
    create.compression = body.compression_algorithm;
    return reply(backups_.create(request.parameter("name"), create, requestor_of(request)));
  }

  Result<Reply> get(const Request& request) {
    return sync_reply(api::encode(to_wire(TRY(backups_.find(request.parameter("name"), request.parameter("backup"))))));
  }

  Result<Reply> rename(const Request& request) {
    const auto body = TRY(api::decode<api::BackupPost>(request.body));
    return reply(
        backups_.rename(request.parameter("name"), request.parameter("backup"), body.name, requestor_of(request)));
  }

  Result<Reply> remove(const Request& request) {
    return reply(backups_.remove(request.parameter("name"), request.parameter("backup"), requestor_of(request)));
  }

  Result<Reply> export_file(const Request& request) {
    return export_reply(TRY(backups_.open(request.parameter("name"), request.parameter("backup"), requestor_of(request))));
  }

 private:
  Result<Reply> reply(Result<manager::OperationId> operation) {
    return operation_reply(server_.operations(), TRY(std::move(operation)));
  }

  manager::Server& server_;
  manager::InstanceBackups& backups_;
};

}  // namespace

void add_backup_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<BackupHandlers>(server);
  const std::string all = "/1.0/instances/{name}/backups";
  const std::string one = all + "/{backup}";
  router.add("GET", all, [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", all, [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("POST", one, [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
  router.add("GET", one + "/export", [handlers](const Request& request) { return handlers->export_file(request); });
}

}  // namespace cella::daemon
