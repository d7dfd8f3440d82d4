// /, /1.0, /1.0/resources, and the collections that have no members here: warnings.
#include <mutex>

#include "api/codec.h"
#include "api/server.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/host_facts.h"
#include "daemon/https_listener.h"
#include "daemon/version.h"

namespace cella::daemon {
namespace {

// Names of LXD's doc/api-extensions.md; only what is served, because clients choose their requests by them.
const std::vector<std::string>& api_extensions() {
  static const std::vector<std::string> names = {
      "etag",
      "patch",
      "network",
      "profile_usedby",
      "container_exec_recording",
      "container_exec_signal_handling",
      "container_exec_user_group_cwd",
      "container_cpu_time",
      "container_edit_metadata",
      "directory_manipulation",
      "file_symlinks",
      "file_append",
      "file_delete",
      "file_get_symlink",
      "instance_file_head",
      "container_last_used_at",
      "container_image_properties",
      "container_full",
      "container_protection_delete",
      "container_stop_priority",
      "storage",
      "entity_description",
      "kernel_limits",
      "id_map",
      "resources",
      "resources_v2",
      "console",
      "network_leases",
      "network_state",
      "network_hwaddr",
      "operation_description",
      "event_lifecycle",
      "projects",
      "api_filtering",
      "instances",
      "instance_all_projects",
      "instance_bulk_state_change",
      "instance_get_full",
      "instance_nic_network",
      "warnings",
      "snapshot_expiry",
      "snapshot_expiry_creation",
      "container_only_migration",
      "image_compression_algorithm",
      "image_create_aliases",
      "container_backup",
      "container_backup_override_pool",
      "backup_compression_algorithm",
      "backup_override_name",
      "instance_pool_move",
      "certificate_update",
      "certificate_project",
      "certificate_token",
  };
  return names;
}

class ServerHandlers {
 public:
  ServerHandlers(manager::Server& server, HttpsListener& https)
      : server_(server), https_(https), host_(host_environment()) {
    host_.server_version = kVersion;
    host_.driver_version = kVersion;
  }

  Result<Reply> get(const Request& request) {
    if (!request.access.trusted()) return untrusted_reply();
    api::Server out;
    // A restricted client has no business with the server's own.
    if (request.access.full()) out.config = server_.config();
    out.api_extensions = api_extensions();
    out.api_status = "stable";
    out.api_version = "1.0";
    out.auth = "trusted";
    out.auth_methods = {"tls"};
    out.environment = host_;
    out.environment.addresses = https_.addresses();
    out.environment.certificate = https_.certificate();
    out.environment.certificate_fingerprint = https_.fingerprint();
    add_storage(out.environment);
    return sync_reply_with_etag(api::encode(out), api::encode(api::ServerPut{out.config}));
  }

  Result<Reply> change(const Request& request) {
    const auto body = TRY(api::decode<api::ServerPut>(request.body));
    const std::lock_guard lock(changing_);
    const std::string present = api::encode(api::ServerPut{server_.config()});
    if (auto refused = check_if_match(request, present)) return *std::move(refused);
    const std::string before = https_address();
    const auto given = body.config.find(kHttpsAddress);
    const bool replaces = request.method == "PUT";
    const std::string after = given != body.config.end() ? given->second : replaces ? "" : before;
    if (after != before) TRY(https_.listen(after));
    Result<void> stored = replaces ? server_.set_config(body.config) : server_.patch_config(body.config);
    if (!stored.ok() && after != before) static_cast<void>(https_.listen(before));
    TRY(std::move(stored));
    return empty_reply();
  }

 private:
  static constexpr const char* kHttpsAddress = "core.https_address";

  std::string https_address() const {
    const auto config = server_.config();
    const auto found = config.find(kHttpsAddress);
    return found == config.end() ? std::string() : found->second;
  }

  // What anybody may know.
  static Reply untrusted_reply() {
    api::ServerUntrusted out;
    out.api_extensions = api_extensions();
    out.api_status = "stable";
    out.api_version = "1.0";
    out.auth = "untrusted";
    out.auth_methods = {"tls"};
    return sync_reply(api::encode(out));
  }

  // The drivers in use, joined as LXD joins them.
  void add_storage(api::ServerEnvironment& environment) {
    for (const char* driver : {"btrfs", "dir", "overlay"}) {
      environment.storage_supported_drivers.push_back({driver, "1", false});
    }
    std::map<std::string, bool> used;
    for (const manager::Pool& pool : server_.pools().list()) used[pool.driver] = true;
    for (const auto& [driver, unused] : used) {
      environment.storage += (environment.storage.empty() ? "" : " | ") + driver;
      environment.storage_version += environment.storage_version.empty() ? "1" : " | 1";
    }
  }

  manager::Server& server_;
  HttpsListener& https_;
  api::ServerEnvironment host_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

void add_server_routes(Router& router, manager::Server& server, HttpsListener& https) {
  auto handlers = std::make_shared<ServerHandlers>(server, https);
  router.add("GET", "/", [](const Request&) -> Result<Reply> { return sync_reply("[\"/1.0\"]"); });
  router.add("GET", "/1.0", [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", "/1.0", [handlers](const Request& request) { return handlers->change(request); });
  router.add("PATCH", "/1.0", [handlers](const Request& request) { return handlers->change(request); });
  router.add("GET", "/1.0/resources",
             [](const Request&) -> Result<Reply> { return sync_reply(TRY(host_resources())); });
  for (const char* empty : {"/1.0/warnings"}) {
    router.add("GET", empty, [](const Request& request) { return collection_reply(request, {}); });
  }
  router.add("GET", "/1.0/cluster", [](const Request&) -> Result<Reply> {
    return sync_reply("{\"server_name\":\"\",\"enabled\":false,\"member_config\":[]}");
  });
}

}  // namespace cella::daemon
