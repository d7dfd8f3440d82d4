// /1.0/storage-pools
#include <mutex>

#include "api/codec.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"

namespace cella::daemon {
namespace {

std::string url_of(const std::string& name) { return "/1.0/storage-pools/" + api::percent_encode(name); }

std::string volume_url(const std::string& pool, const manager::PoolVolume& volume) {
  return url_of(pool) + "/volumes/" + volume.type + "/" + api::percent_encode(volume.name);
}

class StorageHandlers {
 public:
  explicit StorageHandlers(manager::Pools& pools) : pools_(pools) {}

  Result<Reply> list(const Request& request) {
    return collection_reply(
        request, pools_.list(), [](const manager::Pool& pool) { return to_wire(pool); },
        [](const manager::Pool& pool) { return url_of(pool.name); });
  }

  Result<Reply> get(const Request& request) {
    const manager::Pool pool = TRY(pools_.find(request.parameter("name")));
    return sync_reply_with_etag(api::encode(to_wire(pool)), api::encode(writable_part(pool)));
  }

  Result<Reply> resources(const Request& request) {
    const manager::PoolResources found = TRY(pools_.resources(request.parameter("name")));
    return sync_reply(api::encode(
        api::StoragePoolResources{{found.space_used, found.space_total}, {found.inodes_used, found.inodes_total}}));
  }

  Result<Reply> create(const Request& request) {
    const auto body = TRY(api::decode<api::StoragePoolCreate>(request.body));
    TRY(pools_.create({body.name, body.driver, body.description, body.config}));
    return created_reply(url_of(body.name));
  }

  Result<Reply> put(const Request& request) {
    auto body = TRY(api::decode<api::StoragePoolPut>(request.body));
    // Clients unset a key by sending it empty.
    std::erase_if(body.config, [](const auto& entry) { return entry.second.empty(); });
    return change(request, [&](const std::string& name) { return pools_.update(name, body.config, body.description); });
  }

  Result<Reply> patch(const Request& request) {
    const auto body = TRY(api::decode<api::StoragePoolPatch>(request.body));
    return change(request, [&](const std::string& name) { return pools_.patch(name, body.config, body.description); });
  }

  Result<Reply> remove(const Request& request) {
    TRY(pools_.remove(request.parameter("name")));
    return empty_reply();
  }

  Result<Reply> volumes(const Request& request) {
    const std::string& pool = request.parameter("name");
    const std::string& type = request.parameter("type");
    std::vector<manager::PoolVolume> found = TRY(pools_.volumes(pool));
    if (!type.empty()) std::erase_if(found, [&](const auto& volume) { return volume.type != type; });
    return collection_reply(
        request, found, [](const manager::PoolVolume& volume) { return to_wire(volume); },
        [&](const manager::PoolVolume& volume) { return volume_url(pool, volume); });
  }

  Result<Reply> volume(const Request& request) {
    const manager::PoolVolume found = TRY(find_volume(request));
    const api::StorageVolume wire = to_wire(found);
    return sync_reply_with_etag(api::encode(wire), api::encode(api::StoragePoolPut{wire.config, wire.description}));
  }

  Result<Reply> volume_state(const Request& request) {
    const manager::PoolVolume found = TRY(find_volume(request));
    if (found.type != "container") {
      return Error(ErrorKind::kUnsupported, "state of a volume of type " + found.type);
    }
    const manager::PoolVolumeUsage usage = TRY(pools_.root_usage(request.parameter("name"), found.name));
    return sync_reply("{\"usage\":{\"used\":" + std::to_string(usage.used) +
                      ",\"total\":" + std::to_string(usage.total) + "}}");
  }

 private:
  Result<manager::PoolVolume> find_volume(const Request& request) {
    for (manager::PoolVolume& volume : TRY(pools_.volumes(request.parameter("name")))) {
      if (volume.type == request.parameter("type") && volume.name == request.parameter("volume")) return volume;
    }
    return Error(ErrorKind::kNotFound, "Storage volume \"" + request.parameter("volume") + "\" of type \"" +
                                           request.parameter("type") + "\" not found");
  }

  template <typename Change>
  Result<Reply> change(const Request& request, const Change& apply) {
    const std::lock_guard lock(changing_);
    const manager::Pool present = TRY(pools_.find(request.parameter("name")));
    if (auto refused = check_if_match(request, api::encode(writable_part(present)))) return *std::move(refused);
    TRY(apply(present.name));
    return empty_reply();
  }

  manager::Pools& pools_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

void add_storage_routes(Router& router, manager::Pools& pools) {
  auto handlers = std::make_shared<StorageHandlers>(pools);
  const std::string pool = "/1.0/storage-pools/{name}";
  router.add("GET", "/1.0/storage-pools", [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", "/1.0/storage-pools", [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", pool, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", pool, [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", pool, [handlers](const Request& request) { return handlers->patch(request); });
  router.add("DELETE", pool, [handlers](const Request& request) { return handlers->remove(request); });
  router.add("GET", pool + "/resources", [handlers](const Request& request) { return handlers->resources(request); });
  router.add("GET", pool + "/volumes", [handlers](const Request& request) { return handlers->volumes(request); });
  router.add("GET", pool + "/volumes/{type}",
             [handlers](const Request& request) { return handlers->volumes(request); });
  router.add("GET", pool + "/volumes/{type}/{volume}",
             [handlers](const Request& request) { return handlers->volume(request); });
  router.add("GET", pool + "/volumes/{type}/{volume}/state",
             [handlers](const Request& request) { return handlers->volume_state(request); });
}

}  // namespace cella::daemon
