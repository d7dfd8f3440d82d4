// /1.0/instances: the records.
#include <mutex>

#include "api/codec.h"
#include "daemon/access.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/image_fetches.h"
#include "daemon/instance_backups.h"
#include "daemon/instance_requests.h"
#include "daemon/migration_requests.h"
#include "daemon/scope.h"
#include "daemon/wire.h"
#include "manager/projects.h"
#include "manager/instance_restore.h"
#include "manager/instance_snapshots.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kMaxJson = 4u << 20;

std::string url_of(const Request& request, const manager::Instance& instance) {
  return "/1.0/" + request.parameter("kind") + "/" + api::percent_encode(instance.name) +
         manager::project_query(instance.project);
}

// The new name of an instance, in the project of the old one. `to` empty: the same.
Result<std::string> renamed(const std::string& from, const std::string& to) {
  if (to.empty()) return from;
  TRY(manager::check_instance_name(to));
  return manager::qualified_name(manager::project_of(from), to);
}

class InstanceHandlers {
 public:
  InstanceHandlers(manager::Server& server, std::shared_ptr<ImageFetches> fetches, SocketOperations& sockets,
                   boost::asio::io_context& io)
      : server_(server),
        instances_(server.instances()),
        fetches_(std::move(fetches)),
        migrations_(server, sockets, io) {}

  Result<Reply> list(const Request& request) {
    const int recursion = TRY(request.recursion());
    const bool all = TRY(asks_for_all_projects(request));
    std::vector<manager::Instance> found;
    // Virtual machines are never there, so their list is empty.
    if (request.parameter("kind") != "virtual-machines") found = instances_.list();
    std::vector<CollectionEntry> entries;
    for (const manager::Instance& instance : found) {
      if (!shows_project(request, all, request.project, instance.project)) continue;
      entries.push_back({url_of(request, instance),
                         recursion == 2 ? api::encode(full(instance)) : api::encode(to_wire(instance))});
    }
    return collection_reply(request, std::move(entries));
  }

  Result<Reply> get(const Request& request) {
    const int recursion = TRY(request.recursion());
    const manager::Instance instance = TRY(instances_.find(request.parameter("name")));
    return sync_reply_with_etag(recursion == 0 ? api::encode(to_wire(instance)) : api::encode(full(instance)),
                                api::encode(writable_part(instance)));
  }

  Result<Reply> create(const Request& request, BodyReader& reader) {
    if (request.header("Content-Type").starts_with("application/octet-stream")) {
      auto import = TRY(receive_backup(request, reader, server_.backups().upload_directory()));
      import.project = request.project;
      return reply(server_.backups().import(import, requestor_of(request)));
    }
    const auto body = TRY(api::decode<api::InstanceCreate>(TRY(read_json(request, reader, kMaxJson))));
    const manager::InstanceCreate create =
        TRY(create_from_wire(body, request.project, server_.images().in(request.project_of_images)));
    if (body.source.type == "migration") return reply(migrations_.receive(create, body.source, requestor_of(request)));
    const auto fetch = TRY(fetch_for_instance(fetches_, body.source, request.project_of_images, server_.config()));
    return reply(instances_.create(create, requestor_of(request), fetch));
  }

  Result<Reply> put(const Request& request) {
    const auto body = TRY(api::decode<api::InstancePut>(request.body));
    if (!body.restore.empty()) {
      return restore(request, body.restore);
    }
    const std::lock_guard lock(changing_);
    const manager::Instance present = TRY(instances_.find(request.parameter("name")));
    if (auto refused = check_if_match(request, api::encode(writable_part(present)))) return *std::move(refused);
    return reply(instances_.update(present.key(), put_from_wire(body), requestor_of(request)));
  }

  Result<Reply> patch(const Request& request) {
    const auto body = TRY(api::decode<api::InstancePatch>(request.body));
    const std::lock_guard lock(changing_);
    const manager::Instance present = TRY(instances_.find(request.parameter("name")));
    if (auto refused = check_if_match(request, api::encode(writable_part(present)))) return *std::move(refused);
    TRY(instances_.patch(present.key(), patch_from_wire(body), requestor_of(request)));
    return empty_reply();
  }

  Result<Reply> rename(const Request& request) {
    const auto body = TRY(api::decode<api::InstancePost>(request.body));
    const std::string& name = request.parameter("name");
    if (!body.project.empty() && body.project != request.project) return move_to_project(request, body);
    if (!body.pool.empty()) {
      return reply(
          instances_.move(name, TRY(renamed(name, body.name)), body.pool, requestor_of(request)));
    }
    if (body.migration) {
      return reply(migrations_.send(name, "", body, requestor_of(request)));
    }
    return reply(instances_.rename(name, TRY(renamed(name, body.name)), requestor_of(request)));
  }

  Result<Reply> remove(const Request& request) {
    return reply(instances_.remove(request.parameter("name"), requestor_of(request)));
  }

 private:
  api::InstanceFull full(const manager::Instance& instance) {
    api::InstanceFull out;
    out.instance = to_wire(instance);
    // One that cannot be read (it stopped just now, say) must not hide the others: its state is as recorded.
    Result<manager::InstanceState> state = instances_.state(instance.key());
    if (state.ok()) {
      out.state = to_wire(*state);
    } else {
      manager::InstanceState recorded;
      recorded.status = instance.status;
      out.state = to_wire(recorded);
    }
    const auto snapshots = server_.snapshots().list(instance.key());
    if (snapshots.ok()) {
      for (const manager::Snapshot& snapshot : *snapshots) out.snapshots.push_back(to_wire(snapshot));
    }
    const auto backups = server_.backups().list(instance.key());
    if (backups.ok()) {
      for (const manager::BackupRecord& backup : *backups) out.backups.push_back({api::encode(to_wire(backup))});
    }
    return out;
  }

  Result<Reply> move_to_project(const Request& request, const api::InstancePost& body) {
    const std::string& name = request.parameter("name");
    if (!body.pool.empty()) {
      return Error(ErrorKind::kUnsupported, "pool and project: move to the other pool first, then to the project");
    }
    if (!server_.projects().exists(body.project)) return Error(ErrorKind::kNotFound, "Project not found");
    const std::string to = body.name.empty() ? manager::short_name(name) : body.name;
    TRY(manager::check_instance_name(to));
    return reply(instances_.rename(name, manager::qualified_name(body.project, to), requestor_of(request)));
  }

  // what: "NAME/SNAPSHOT" as lxc sends it, or the snapshot's plain name.
  Result<Reply> restore(const Request& request, const std::string& what) {
    const std::string& name = request.parameter("name");
    const std::string snapshot = what.substr(what.rfind('/') + 1);
    if (what != snapshot && what != manager::short_name(name) + "/" + snapshot) {
      return invalid_value("restore", what, "expected a snapshot of \"" + manager::short_name(name) + "\"");
    }
    return reply(server_.restore().restore(name, snapshot, requestor_of(request)));
  }

  Result<Reply> reply(Result<manager::OperationId> operation) {
    return operation_reply(server_.operations(), TRY(std::move(operation)));
  }

  manager::Server& server_;
  manager::Instances& instances_;
  const std::shared_ptr<ImageFetches> fetches_;
  MigrationRequests migrations_;
  std::mutex changing_;  // nothing comes between If-Match and the change's validation
};

}  // namespace

void add_instance_routes(Router& router, manager::Server& server, std::shared_ptr<ImageFetches> fetches,
                         SocketOperations& sockets, boost::asio::io_context& io) {
  auto handlers = std::make_shared<InstanceHandlers>(server, std::move(fetches), sockets, io);
  const std::string one = "/1.0/instances/{name}";
  router.add("GET", "/1.0/instances", [handlers](const Request& request) { return handlers->list(request); });
  router.add_upload("POST", "/1.0/instances",
                    [handlers](const Request& request, BodyReader& body) { return handlers->create(request, body); });
  router.add("GET", one, [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", one, [handlers](const Request& request) { return handlers->put(request); });
  router.add("PATCH", one, [handlers](const Request& request) { return handlers->patch(request); });
  router.add("POST", one, [handlers](const Request& request) { return handlers->rename(request); });
  router.add("DELETE", one, [handlers](const Request& request) { return handlers->remove(request); });
}

}  // namespace cella::daemon
