// /1.0/instances/NAME/snapshots
#include "api/codec.h"
#include "api/time.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/migration_requests.h"
#include "daemon/wire.h"
#include "manager/instance_snapshots.h"

namespace cella::daemon {
namespace {

// What an ETag of a snapshot is made of: all that may be written.
std::string writable_part(const manager::Snapshot& snapshot) {
  api::SnapshotPut put;
  put.expires_at = time_to_wire(snapshot.record.expires_at);
  return api::encode(put);
}

class SnapshotHandlers {
 public:
  SnapshotHandlers(manager::Server& server, SocketOperations& sockets, boost::asio::io_context& io)
      : server_(server), snapshots_(server.snapshots()), migrations_(server, sockets, io) {}

  Result<Reply> list(const Request& request) {
    const std::string& name = request.parameter("name");
    const std::string base = "/1.0/" + request.parameter("kind") + "/" + manager::short_name(name) + "/snapshots/";
    const std::string query = manager::project_query(request.project);
    return collection_reply(
        request, TRY(snapshots_.list(name)), [](const manager::Snapshot& snapshot) { return to_wire(snapshot); },
        [&](const manager::Snapshot& snapshot) { return base + api::percent_encode(snapshot.record.name) + query; });
  }

  Result<Reply> create(const Request& request) {
    const auto body = TRY(api::decode<api::SnapshotsPost>(request.body));
    manager::SnapshotCreate create;
    create.name = body.name;
    create.stateful = body.stateful;
    if (body.expires_at) create.expires_at = TRY_CONTEXT("expires_at", time_from_wire(*body.expires_at));
    return reply(snapshots_.create(request.parameter("name"), create, requestor_of(request)));
  }

  Result<Reply> get(const Request& request) {
    const auto snapshot = TRY(find(request));
    return sync_reply_with_etag(api::encode(to_wire(snapshot)), writable_part(snapshot));
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::SnapshotPut>(request.body));
    const auto snapshot = TRY(find(request));
    if (auto refused = check_if_match(request, writable_part(snapshot))) return *std::move(refused);
    return set_expiry(request, body.expires_at.value_or(std::string(api::kNever)));
  }

  Result<Reply> patch(const Request& request) {
    const auto body = TRY(api::decode<api::SnapshotPut>(request.body));
    const auto snapshot = TRY(find(request));
    if (auto refused = check_if_match(request, writable_part(snapshot))) return *std::move(refused);
    return set_expiry(request, body.expires_at.value_or(time_to_wire(snapshot.record.expires_at)));
  }

  Result<Reply> rename(const Request& request) {
    const auto body = TRY(api::decode<api::SnapshotPost>(request.body));
    if (body.migration) {
      api::InstancePost post;
      post.target = body.target;
      return reply(migrations_.send(request.parameter("name"), request.parameter("snapshot"), post,
                                    requestor_of(request)));
    }
    return reply(
        snapshots_.rename(request.parameter("name"), request.parameter("snapshot"), body.name, requestor_of(request)));
  }

  Result<Reply> remove(const Request& request) {
    return reply(snapshots_.remove(request.parameter("name"), request.parameter("snapshot"), requestor_of(request)));
  }

 private:
  Result<manager::Snapshot> find(const Request& request) {
    return snapshots_.find(request.parameter("name"), request.parameter("snapshot"));
  }

  Result<Reply> set_expiry(const Request& request, const std::string& text) {
    const auto time = TRY_CONTEXT("expires_at", time_from_wire(text));
    return reply(
        snapshots_.set_expiry(request.parameter("name"), request.parameter("snapshot"), time, requestor_of(request)));
  }

  Result<Reply> reply(Result<manager::OperationId> operation) {
    return operation_reply(server_.operations(), TRY(std::move(operation)));
  }

  manager::Server& server_;
  manager::InstanceSnapshots& snapshots_;
  MigrationRequests migrations_;
};

}  // namespace

void add_snapshot_routes(Router& router, manager::Server& server, SocketOperations& sockets,
                         boost::asio::io_context& io) {
  auto handlers = std::make_shared<SnapshotHandlers>(server, sockets, io);
  const std::string all = "/1.0/instances/{name}/snapshots";
  const std::string one = all + "/{snapshot}";
  router.add("GET", all, [handlers](const Request& request) { return handlers->list(request); });
  router.add("POST", all, [handlers](const Request& request) { return handlers->create(request); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->patch(request); });
  router.add("POST", one, [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
}

}  // namespace cella::daemon
