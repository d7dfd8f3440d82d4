// /1.0/storage-pools/POOL/volumes/custom/NAME/backups
#include "api/codec.h"
#include "api/time.h"
#include "daemon/backup_files.h"
#include "daemon/collection.h"
#include "daemon/handlers.h"
#include "daemon/volume_requests.h"
#include "daemon/wire.h"
#include "manager/names.h"
#include "manager/volume_parts.h"

namespace cella::daemon {
namespace {

api::StorageVolumeBackup to_wire(const manager::VolumeBackupRecord& record) {
  api::StorageVolumeBackup out;
  out.name = record.name;
  out.created_at = time_to_wire(record.created_at);
  out.expires_at = time_to_wire(record.expires_at);
  out.volume_only = record.volume_only;
  return out;
}

class VolumeBackupHandlers {
 public:
  explicit VolumeBackupHandlers(manager::Server& server) : server_(server), backups_(server.volumes().backups) {}

  Result<Reply> list(const Request& request) {
    const manager::VolumeKey key = TRY(key_of(request));
    const std::string& volume = request.parameter("volume");
    std::vector<CollectionEntry> entries;
    for (const auto& record : TRY(backups_.list(key))) {
      api::StorageVolumeBackup shown = to_wire(record);
      shown.name = volume + "/" + record.name;
      entries.push_back({manager::volume_url(key, "/backups/" + record.name), api::encode(shown)});
    }
    return collection_reply(request, std::move(entries));
  }

  Result<Reply> create(const Request& request) {
    const auto body = TRY(api::decode<api::StorageVolumeBackupsPost>(request.body));
    manager::VolumeBackupCreate create;
    create.name = body.name;
    if (body.expires_at) create.expires_at = TRY_CONTEXT("expires_at", time_from_wire(*body.expires_at));
    create.volume_only = body.volume_only;
    create.optimized = body.optimized_storage;
    create.compression = body.compression_algorithm;
    return reply(backups_.create(TRY(key_of(request)), create, requestor_of(request)));
  }

  Result<Reply> get(const Request& request) {
    return sync_reply(api::encode(to_wire(TRY(backups_.find(TRY(key_of(request)), request.parameter("backup"))))));
  }

  Result<Reply> rename(const Request& request) {
    const auto body = TRY(api::decode<api::StorageVolumeSnapshotPost>(request.body));
    return reply(
        backups_.rename(TRY(key_of(request)), request.parameter("backup"), body.name, requestor_of(request)));
  }

  Result<Reply> remove(const Request& request) {
    return reply(backups_.remove(TRY(key_of(request)), request.parameter("backup"), requestor_of(request)));
  }

  Result<Reply> export_file(const Request& request) {
    return export_reply(TRY(backups_.open(TRY(key_of(request)), request.parameter("backup"), requestor_of(request))));
  }

 private:
  Result<manager::VolumeKey> key_of(const Request& request) {
    if (request.parameter("type") != "custom")
      return invalid_value("type", request.parameter("type"), "only custom volumes have backups of their own");
    return custom_key(server_, request);
  }

  Result<Reply> reply(Result<manager::OperationId> operation) {
    return operation_reply(server_.operations(), TRY(std::move(operation)));
  }

  manager::Server& server_;
  manager::CustomVolumeBackups& backups_;
};

}  // namespace

void add_volume_backup_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<VolumeBackupHandlers>(server);
  const std::string all = "/1.0/storage-pools/{name}/volumes/{type}/{volume}/backups";
  const std::string one = all + "/{backup}";
  router.add("GET", all, [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", all, [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("POST", one, [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
  router.add("GET", one + "/export", [handlers](const Request& request) { return handlers->export_file(request); });
}

}  // namespace cella::daemon
