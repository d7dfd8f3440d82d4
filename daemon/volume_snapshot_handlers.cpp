// /1.0/storage-pools/POOL/volumes/TYPE/NAME/snapshots
#include "api/codec.h"
#include "api/time.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/volume_requests.h"
#include "daemon/wire.h"
#include "manager/names.h"
#include "manager/volume_parts.h"

namespace cella::daemon {
namespace {

api::StorageVolumeSnapshot to_wire(const manager::CustomSnapshot& snapshot) {
  return {snapshot.config,
          snapshot.description,
          time_to_wire(snapshot.expires_at),
          snapshot.name,
          std::string(manager::content_text(snapshot.content)),
          time_to_wire(snapshot.created_at)};
}

// What an ETag of a snapshot is made of: all that may be written.
std::string writable_part(const manager::CustomSnapshot& snapshot) {
  return api::encode(api::StorageVolumeSnapshotPut{snapshot.description, time_to_wire(snapshot.expires_at)});
}

class VolumeSnapshotHandlers {
 public:
  explicit VolumeSnapshotHandlers(manager::Server& server)
      : server_(server), snapshots_(server.volumes().snapshots) {}

  Result<Reply> list(const Request& request) {
    const std::string& volume = request.parameter("volume");
    const std::string base = "/1.0/storage-pools/" + api::percent_encode(request.parameter("name")) + "/volumes/" +
                             request.parameter("type") + "/" + api::percent_encode(volume) + "/snapshots/";
    const std::string query = manager::project_query(request.project);
    std::vector<CollectionEntry> entries;
    for (const manager::CustomSnapshot& snapshot : TRY(all(request))) {
      api::StorageVolumeSnapshot shown = to_wire(snapshot);
      shown.name = volume + "/" + snapshot.name;
      entries.push_back({base + api::percent_encode(snapshot.name) + query, api::encode(shown)});
    }
    return collection_reply(request, std::move(entries));
  }

  Result<Reply> create(const Request& request) {
    TRY(check_custom(request));
    const auto body = TRY(api::decode<api::StorageVolumeSnapshotsPost>(request.body));
    manager::VolumeSnapshotCreate create;
    create.name = body.name;
    create.description = body.description;
    if (body.expires_at)
      create.expires_at = TRY_CONTEXT("expires_at", time_from_wire(*body.expires_at)).value_or(manager::Timestamp());
    return reply(snapshots_.create(custom_key(server_, request), create, requestor_of(request)));
  }

  Result<Reply> get(const Request& request) {
    const manager::CustomSnapshot snapshot = TRY(find(request));
    return sync_reply_with_etag(api::encode(to_wire(snapshot)), writable_part(snapshot));
  }

  // An absent member stays with PATCH, and is taken away with PUT.
  Result<Reply> change(const Request& request) {
    TRY(check_custom(request));
    const auto body = TRY(api::decode<api::StorageVolumeSnapshotPut>(request.body));
    const manager::CustomSnapshot present = TRY(find(request));
    if (auto refused = check_if_match(request, writable_part(present))) return *std::move(refused);
    const bool whole = request.method == "PUT";
    const auto expires_at = body.expires_at ? TRY_CONTEXT("expires_at", time_from_wire(*body.expires_at))
                            : whole         ? std::nullopt
                                            : present.expires_at;
    const std::string description = body.description.value_or(whole ? std::string() : present.description);
    TRY(snapshots_.update(custom_key(server_, request), present.name, description, expires_at,
                          requestor_of(request)));
    return empty_reply();
  }

  Result<Reply> rename(const Request& request) {
    TRY(check_custom(request));
    const auto body = TRY(api::decode<api::StorageVolumeSnapshotPost>(request.body));
    if (body.migration)
      return Error(ErrorKind::kUnsupported, "migration: moving a snapshot to another server is not served");
    return reply(snapshots_.rename(custom_key(server_, request), request.parameter("snapshot"), body.name,
                                   requestor_of(request)));
  }

  Result<Reply> remove(const Request& request) {
    TRY(check_custom(request));
    return reply(snapshots_.remove(custom_key(server_, request), request.parameter("snapshot"), requestor_of(request)));
  }

 private:
  static Result<void> check_custom(const Request& request) {
    if (request.parameter("type") == "custom") return kOk;
    return invalid_value("type", request.parameter("type"), "snapshots of instances are changed through the instance");
  }

  // Of a custom volume, or of an instance's root.
  Result<std::vector<manager::CustomSnapshot>> all(const Request& request) {
    const std::string& type = request.parameter("type");
    if (type == "custom") return snapshots_.list(custom_key(server_, request));
    std::vector<manager::CustomSnapshot> found;
    bool volume_there = false;
    const std::string prefix = request.parameter("volume") + "/";
    for (const manager::PoolVolume& volume :
         TRY(shown_volumes(server_, request.parameter("name"), type, request.project))) {
      if (volume.name == request.parameter("volume")) volume_there = true;
      if (!volume.name.starts_with(prefix)) continue;
      manager::CustomSnapshot shown;
      shown.name = volume.name.substr(prefix.size());
      shown.created_at = volume.created_at;
      found.push_back(std::move(shown));
    }
    if (volume_there) return found;
    return Error(ErrorKind::kNotFound,
                 "Storage volume \"" + request.parameter("volume") + "\" of type \"" + type + "\" not found");
  }

  Result<manager::CustomSnapshot> find(const Request& request) {
    const std::string& name = request.parameter("snapshot");
    for (manager::CustomSnapshot& snapshot : TRY(all(request)))
      if (snapshot.name == name) return snapshot;
    return Error(ErrorKind::kNotFound,
                 "Storage volume snapshot not found: " + request.parameter("volume") + "/" + name);
  }

  Result<Reply> reply(Result<manager::OperationId> operation) {
    return operation_reply(server_.operations(), TRY(std::move(operation)));
  }

  manager::Server& server_;
  manager::CustomVolumeSnapshots& snapshots_;
};

}  // namespace

void add_volume_snapshot_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<VolumeSnapshotHandlers>(server);
  const std::string all = "/1.0/storage-pools/{name}/volumes/{type}/{volume}/snapshots";
  const std::string one = all + "/{snapshot}";
  router.add("GET", all, [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", all, [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->change(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->change(request); });
  router.add("POST", one, [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
}

}  // namespace cella::daemon
