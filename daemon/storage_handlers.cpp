// /1.0/storage-pools
#include <mutex>

#include "api/codec.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/scope.h"
#include "daemon/wire.h"

namespace cella::daemon {
namespace {

std::string url_of(const std::string& name) { return "/1.0/storage-pools/" + api::percent_encode(name); }

class StorageHandlers {
 public:
  explicit StorageHandlers(manager::Pools& pools) : pools_(pools) {}

  Result<Reply> list(const Request& request) {
    return collection_reply(
        request, pools_.list(), [&](const manager::Pool& pool) { return as_seen(request, to_wire(pool)); },
        [](const manager::Pool& pool) { return url_of(pool.name); });
  }

  Result<Reply> get(const Request& request) {
    const manager::Pool pool = TRY(pools_.find(request.parameter("name")));
    return sync_reply_with_etag(api::encode(as_seen(request, to_wire(pool))), api::encode(writable_part(pool)));
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

 private:
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
}

}  // namespace cella::daemon
