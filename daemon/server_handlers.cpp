// /, /1.0, /1.0/resources.
#include <mutex>

#include "api/codec.h"
#include "api/server.h"
#include "base/rollback.h"
#include "base/units.h"
#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/handlers.h"
#include "daemon/host_facts.h"
#include "daemon/host_resources.h"
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
      "storage_api_local_volume_handling",
      "storage_api_volume_rename",
      "storage_api_volume_snapshots",
      "storage_api_project",
      "storage_volume_project_move",
      "storage_volume_state",
      "storage_volumes_all_projects",
      "storage_volume_api_filtering",
      "storage_volume_state_total",
      "storage_btrfs_mount_options",
      "server_supported_storage_drivers",
      "custom_block_volumes",
      "custom_volume_snapshot_expiry",
      "custom_volume_backup",
      "custom_volume_refresh",
      "storage_shifted",
      "storage_unmapped",
      "volume_snapshot_scheduling",
      "entity_description",
      "kernel_limits",
      "id_map",
      "resources",
      "resources_v2",
      "console",
      "network_leases",
      "network_state",
      "network_hwaddr",
      "restrict_devlxd",
      "devlxd_events",
      "devlxd_images",
      "cloud_init",
      "proxy",
      "proxy_unix",
      "proxy_udp",
      "proxy_tcp_udp_multi_port_handling",
      "proxy_unix_dac_properties",
      "unix_priv_drop",
      "proxy_haproxy_protocol",
      "proxy_nat",
      "unix_device_rename",
      "unix_device_hotplug",
      "container_nic_routes",
      "container_nic_ipfilter",
      "instance_nic_bridged_vlan",
      "instance_nic_bridged_port_isolation",
      "operation_description",
      "event_lifecycle",
      "projects",
      "api_filtering",
      "instances",
      "instance_all_projects",
      "instance_bulk_state_change",
      "instance_get_full",
      "instance_nic_network",
      "container_syscall_filtering",
      "container_host_shutdown_timeout",
      "id_map_base",
      "id_map_current",
      "snapshot_scheduling",
      "snapshot_schedule_aliases",
      "instance_snapshot_never",
      "container_protection_shift",
      "resources_cpu_socket",
      "resources_gpu",
      "resources_numa",
      "resources_disk_id",
      "resources_usb_pci",
      "resources_cpu_threads_numa",
      "resources_cpu_core_die",
      "resources_system",
      "resources_pci_iommu",
      "limits_hugepages",
      "linux_sysctl",
      "metrics",
      "metrics_cpu_seconds",
      "metrics_authentication",
      "backup_compression",
      "remote_token_expiry",
      "warnings",
      "snapshot_expiry",
      "snapshot_expiry_creation",
      "container_only_migration",
      "container_push",
      "container_push_target",
      "container_incremental_copy",
      "image_force_refresh",
      "images_push_relay",
      "image_compression_algorithm",
      "image_create_aliases",
      "container_backup",
      "container_backup_override_pool",
      "backup_compression_algorithm",
      "backup_override_name",
      "instance_pool_move",
      "certificate_update",
      "certificate_project",
      "event_project",
      "container_copy_project",
      "image_source_project",
      "images_target_project",
      "instance_project_move",
      "project_usage",
      "projects_compression",
      "projects_limits",
      "projects_limits_disk",
      "projects_limits_instances",
      "projects_networks_restricted_access",
      "projects_restricted_backups_and_snapshots",
      "projects_restricted_intercept",
      "projects_restrictions",
      "certificate_token",
  };
  return names;
}

class ServerHandlers {
 public:
  ServerHandlers(manager::Server& server, ServerSwitches switches)
      : server_(server), switches_(switches), host_(host_environment()) {
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
    out.environment.project = request.project;
    out.environment.addresses = switches_.https.addresses();
    out.environment.certificate = switches_.https.certificate();
    out.environment.certificate_fingerprint = switches_.https.fingerprint();
    add_storage(out.environment);
    return sync_reply_with_etag(api::encode(out), api::encode(api::ServerPut{out.config}));
  }

  Result<Reply> change(const Request& request) {
    const auto body = TRY(api::decode<api::ServerPut>(request.body));
    const std::lock_guard lock(changing_);
    const std::string present = api::encode(api::ServerPut{server_.config()});
    if (auto refused = check_if_match(request, present)) return *std::move(refused);
    const bool replaces = request.method == "PUT";
    Rollback undo;
    for (HttpsListener* listener : {&switches_.https, &switches_.metrics}) {
      const std::string key(listener->key().name);
      const std::string before = value_of(key);
      const auto given = body.config.find(key);
      const std::string after = given != body.config.end() ? given->second : replaces ? "" : before;
      if (after == before) continue;
      TRY(listener->listen(after));
      undo.add([listener, before] { static_cast<void>(listener->listen(before)); });
    }
    TRY(replaces ? server_.set_config(body.config) : server_.patch_config(body.config));
    undo.commit();
    switches_.metrics_open = metrics_are_open(server_.config());
    return empty_reply();
  }

 private:
  std::string value_of(const std::string& key) const {
    const auto config = server_.config();
    const auto found = config.find(key);
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
  ServerSwitches switches_;
  api::ServerEnvironment host_;
  std::mutex changing_;  // nothing comes between If-Match and the change
};

}  // namespace

bool metrics_are_open(const manager::Config& config) {
  const auto found = config.find("core.metrics_authentication");
  if (found == config.end()) return false;
  const auto asks = parse_bool(found->first, found->second);
  return asks.ok() && !*asks;
}

void add_server_routes(Router& router, manager::Server& server, ServerSwitches switches) {
  auto handlers = std::make_shared<ServerHandlers>(server, switches);
  router.add("GET", "/", [](const Request&) -> Result<Reply> { return sync_reply("[\"/1.0\"]"); });
  router.add("GET", "/1.0", [handlers](const Request& request) { return handlers->get(request); });
  router.add("PUT", "/1.0", [handlers](const Request& request) { return handlers->change(request); });
  router.add("PATCH", "/1.0", [handlers](const Request& request) { return handlers->change(request); });
  router.add("GET", "/1.0/resources",
             [](const Request&) -> Result<Reply> { return sync_reply(api::encode(TRY(host_resources()))); });
  router.add("GET", "/1.0/cluster", [](const Request&) -> Result<Reply> {
    return sync_reply("{\"server_name\":\"\",\"enabled\":false,\"member_config\":[]}");
  });
}

}  // namespace cella::daemon
