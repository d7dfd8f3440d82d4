// /internal/import-lxd: what a stopped LXD has, and taking it over one by one.
#include "api/codec.h"
#include "api/lxd_import.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/lxd_import.h"
#include "manager/server.h"

namespace cella::daemon {
namespace {

Result<void> check_directory(std::string_view directory) {
  if (!directory.empty() && directory.front() == '/') return kOk;
  return invalid_value("lxd-dir", directory, "not an absolute path");
}

Result<Reply> list(manager::Server& server, const Request& request) {
  const std::string directory(request.query_value("lxd-dir"));
  TRY(check_directory(directory));
  std::vector<api::LxdInstance> found;
  for (auto& instance : TRY(server.lxd_import().list(directory)))
    found.push_back({std::move(instance.pool), std::move(instance.name), std::move(instance.obstacle)});
  return sync_reply(api::encode_list(found));
}

Result<Reply> import(manager::Server& server, const Request& request) {
  const auto post = TRY(api::decode<api::LxdImportPost>(request.body));
  TRY(check_directory(post.lxd_dir));
  const manager::LxdImportRequest wanted{post.lxd_dir, {post.source_pool, post.name, ""}, post.pool};
  return operation_reply(server.operations(), TRY(server.lxd_import().import(wanted, requestor_of(request))));
}

}  // namespace

void add_lxd_import_routes(Router& router, manager::Server& server) {
  router.add("GET", "/internal/import-lxd", [&server](const Request& request) { return list(server, request); });
  router.add("POST", "/internal/import-lxd", [&server](const Request& request) { return import(server, request); });
}

}  // namespace cella::daemon
