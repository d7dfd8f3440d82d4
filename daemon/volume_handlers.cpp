// /1.0/storage-pools/POOL/volumes: volumes of every type are listed; custom ones are made, changed and deleted.
#include <mutex>

#include "api/codec.h"
#include "daemon/access.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/backup_files.h"
#include "daemon/scope.h"
#include "daemon/volume_requests.h"
#include "daemon/wire.h"
#include "manager/names.h"
#include "manager/volume_parts.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kMaxJson = 4u << 20;

// "custom/v1", "container/c1/snapshots/s0"; of a qualified name the part within its project.
std::string url_of(const std::string& pool, const manager::PoolVolume& volume) {
  const std::size_t slash = volume.name.find('/');
  std::string path = api::percent_encode(volume.name.substr(0, slash));
  if (slash != std::string::npos) path += "/snapshots/" + api::percent_encode(volume.name.substr(slash + 1));
  return "/1.0/storage-pools/" + api::percent_encode(pool) + "/volumes/" + volume.type + "/" + path +
         manager::project_query(volume.project);
}

api::StorageVolumePut writable_part(const manager::PoolVolume& volume) { return {volume.config, volume.description, {}}; }

Error read_only_type(const std::string& type) {
  return Error(ErrorKind::kInvalid, "volumes of type \"" + type + "\" are not changed here: they belong to their " +
                                        (type == "image" ? "image" : "instance"));
}

class VolumeHandlers {
 public:
  explicit VolumeHandlers(manager::Server& server) : server_(server), volumes_(server.volumes()) {}

  Result<Reply> list(const Request& request) {
    const std::string& pool = request.parameter("name");
    const std::string_view all = request.query_value("all-projects");
    const bool everywhere = all == "true" || all == "1";
    auto found = TRY(shown_volumes(server_, pool, request.parameter("type"), everywhere ? "" : request.project));
    std::erase_if(found, [&](const manager::PoolVolume& volume) { return !may_see(request, volume); });
    return collection_reply(
        request, found, [&](const manager::PoolVolume& volume) { return as_seen(request, to_wire(volume)); },
        [&](const manager::PoolVolume& volume) { return url_of(pool, volume); });
  }

  Result<Reply> get(const Request& request) {
    const manager::PoolVolume found = TRY(find(request));
    return sync_reply_with_etag(api::encode(as_seen(request, to_wire(found))), api::encode(writable_part(found)));
  }

  Result<Reply> state(const Request& request) {
    const std::string& type = request.parameter("type");
    const manager::PoolVolume found = TRY(find(request));
    if (type == "image") return Error(ErrorKind::kUnsupported, "state of a volume of type " + type);
    const manager::PoolVolumeUsage usage =
        type == "custom"
            ? TRY(volumes_.volumes.usage(custom_key(server_, request)))
            : TRY(server_.pools().root_usage(request.parameter("name"),
                                             manager::qualified_name(found.project, found.name)));
    return sync_reply(api::encode(api::StorageVolumeState{{usage.used, usage.total}}));
  }

  Result<Reply> create(const Request& request, BodyReader& reader) {
    const std::string& pool = request.parameter("name");
    const std::string project = custom_project(server_, request);
    if (request.header("Content-Type").starts_with("application/octet-stream"))
      return import_backup(request, reader, {pool, project, std::string(request.header("X-LXD-name"))});
    const auto body = TRY(api::decode<api::StorageVolumesPost>(TRY(read_json(request, reader, kMaxJson))));
    const VolumeRequest wanted = TRY(volume_from_wire(body, {pool, project, body.name}, request.parameter("type")));
    if (wanted.copy) {
      auto copy = *wanted.copy;
      copy.from.project = source_project(server_, request, body.source.project);
      return reply(volumes_.copies.copy(wanted.create, copy, requestor_of(request)));
    }
    TRY(volumes_.volumes.create(wanted.create, requestor_of(request)));
    return empty_reply();
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::StorageVolumePut>(request.body));
    return change(request, [&](const manager::PoolVolume&, const manager::VolumeKey& key) -> Result<void> {
      if (!body.restore.empty()) return restore(request, key, body.restore);
      return volumes_.volumes.update(key, body.description, body.config, requestor_of(request));
    });
  }

  Result<Reply> patch(const Request& request) {
    const auto body = TRY(api::decode<api::StorageVolumePatch>(request.body));
    return change(request, [&](const manager::PoolVolume& present, const manager::VolumeKey& key) -> Result<void> {
      if (!body.restore.empty()) return restore(request, key, body.restore);
      manager::Config config = present.config;
      for (const auto& [name, value] : body.config) config[name] = value;
      return volumes_.volumes.update(key, body.description.value_or(present.description), config,
                                     requestor_of(request));
    });
  }

  Result<Reply> rename(const Request& request) {
    const auto body = TRY(api::decode<api::StorageVolumePost>(request.body));
    TRY(check_custom(request));
    const manager::VolumeKey key = custom_key(server_, request);
    if (body.migration)
      return Error(ErrorKind::kUnsupported, "migration: moving a volume to another server is not served");
    manager::VolumeKey to{body.pool.empty() ? key.pool : body.pool, key.project, body.name};
    if (!body.project.empty()) to.project = volumes_.volumes.key_for(body.project, to.pool, to.name).project;
    if (!request.access.may_use(to.project)) return Error(ErrorKind::kDenied, "not authorized");
    if (to.pool != key.pool || to.project != key.project)
      return reply(volumes_.copies.move(key, to, requestor_of(request)));
    TRY(volumes_.volumes.rename(key, to.name, requestor_of(request)));
    return created_reply(manager::volume_url(to));
  }

  Result<Reply> remove(const Request& request) {
    TRY(check_custom(request));
    TRY(volumes_.volumes.remove(custom_key(server_, request), requestor_of(request)));
    return empty_reply();
  }

 private:
  static Result<void> check_custom(const Request& request) {
    const std::string& type = request.parameter("type");
    if (type == "custom") return kOk;
    return read_only_type(type);
  }

  // Images lie in the pool once for all projects.
  bool may_see(const Request& request, const manager::PoolVolume& volume) const {
    return volume.type != "image" || request.access.full() ||
           server_.images().in(request.project_of_images).find(volume.name).ok();
  }

  Result<manager::PoolVolume> find(const Request& request) {
    const std::string& name = request.parameter("volume");
    const std::string& type = request.parameter("type");
    if (type == "custom") return shown_volume(TRY(volumes_.volumes.find(custom_key(server_, request))));
    for (manager::PoolVolume& volume :
         TRY(shown_volumes(server_, request.parameter("name"), type, request.project)))
      if (volume.name == name && may_see(request, volume)) return volume;
    return Error(ErrorKind::kNotFound, "Storage volume \"" + name + "\" of type \"" + type + "\" not found");
  }

  // name: "VOLUME/SNAPSHOT" as some clients send it, or the snapshot's plain name.
  Result<void> restore(const Request& request, const manager::VolumeKey& key, const std::string& name) {
    return volumes_.snapshots.restore(key, name.substr(name.rfind('/') + 1), requestor_of(request));
  }

  Result<Reply> import_backup(const Request& request, BodyReader& reader, const manager::VolumeKey& key) {
    const std::string path = TRY(receive_file(reader, volumes_.backups.upload_directory()));
    return reply(volumes_.backups.import({path, key}, requestor_of(request)));
  }

  template <typename Change>
  Result<Reply> change(const Request& request, const Change& apply) {
    TRY(check_custom(request));
    const std::lock_guard lock(changing_);
    const manager::PoolVolume present = TRY(find(request));
    if (auto refused = check_if_match(request, api::encode(writable_part(present)))) return *std::move(refused);
    TRY(apply(present, custom_key(server_, request)));
    return empty_reply();
  }

  Result<Reply> reply(Result<manager::OperationId> operation) {
    return operation_reply(server_.operations(), TRY(std::move(operation)));
  }

  manager::Server& server_;
  manager::VolumeParts& volumes_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

void add_volume_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<VolumeHandlers>(server);
  const std::string all = "/1.0/storage-pools/{name}/volumes";
  const std::string typed = all + "/{type}";
  const std::string one = typed + "/{volume}";
  for (const std::string& path : {all, typed}) {
    router.add("GET", path, [handlers](const Request& request) { return handlers->list(request); });
    router.add_upload("POST", path, [handlers](const Request& request, BodyReader& body) {
      return handlers->create(request, body);
    });
  }
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->patch(request); });
  router.add("POST", one, [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
  router.add("GET", one + "/state", [handlers](const Request& request) { return handlers->state(request); });
}

}  // namespace cella::daemon
