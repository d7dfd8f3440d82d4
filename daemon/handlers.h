// The routes of each noun. Handlers decode once, call the manager, and encode; what they are given outlives the router.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "api/client.h"
#include "daemon/router.h"
#include "manager/images.h"
#include "manager/instances.h"
#include "manager/networks.h"
#include "manager/operations.h"
#include "manager/pools.h"
#include "manager/profiles.h"
#include "manager/server.h"

namespace boost::asio {
class io_context;
}

namespace cella::daemon {

class EventHub;
class HttpsListener;
class ImageFetches;
class JoinTokens;
class SocketOperations;

// Runs blocking work away from the I/O thread.
using RunOnWorker = std::function<void(std::function<void()>)>;

// /, /1.0, /1.0/resources.
// What server keys switch while the daemon runs.
struct ServerSwitches {
  HttpsListener& https;
  HttpsListener& metrics;
  // Whether anybody may read the metrics on their own address (core.metrics_authentication is false).
  std::atomic<bool>& metrics_open;
};
bool metrics_are_open(const manager::Config& config);
void add_server_routes(Router& router, manager::Server& server, ServerSwitches switches);
// /internal/recover.
void add_recover_routes(Router& router, manager::Server& server);
// /internal/import-lxd.
void add_lxd_import_routes(Router& router, manager::Server& server);
void add_warning_routes(Router& router, manager::Warnings& warnings);
void add_certificate_routes(Router& router, manager::Server& server, HttpsListener& https, JoinTokens& tokens);
void add_project_routes(Router& router, manager::Server& server);
void add_instance_routes(Router& router, manager::Server& server, std::shared_ptr<ImageFetches> fetches,
                         SocketOperations& sockets, boost::asio::io_context& io);
void add_snapshot_routes(Router& router, manager::Server& server, SocketOperations& sockets,
                         boost::asio::io_context& io);
void add_backup_routes(Router& router, manager::Server& server);
void add_instance_state_routes(Router& router, manager::Server& server);
// …/logs and the console's log.
void add_instance_log_routes(Router& router, manager::Server& server);
// …/files.
void add_instance_file_routes(Router& router, manager::Server& server);
// …/metadata and its templates.
void add_instance_metadata_routes(Router& router, manager::Server& server);
void add_exec_routes(Router& router, manager::Server& server, SocketOperations& sockets, boost::asio::io_context& io,
                     RunOnWorker run);
void add_console_routes(Router& router, manager::Server& server, SocketOperations& sockets, boost::asio::io_context& io,
                        RunOnWorker run);
// Starts what a POST /1.0/images with an instance or snapshot as its source asks for.
using PublishImage = std::function<Result<Reply>(const std::string& project, const std::string& json)>;
PublishImage make_publish(manager::Server& server);
void add_image_routes(Router& router, manager::Images& images, manager::Operations& operations,
                      std::shared_ptr<ImageFetches> fetches, PublishImage publish);
void add_alias_routes(Router& router, manager::Images& images);
void add_profile_routes(Router& router, manager::Profiles& profiles);
void add_network_routes(Router& router, manager::Networks& networks);
void add_storage_routes(Router& router, manager::Pools& pools);
// …/storage-pools/POOL/volumes, their snapshots and their backups.
void add_volume_routes(Router& router, manager::Server& server);
void add_volume_snapshot_routes(Router& router, manager::Server& server);
void add_volume_backup_routes(Router& router, manager::Server& server);
void add_operation_routes(Router& router, manager::Operations& operations, SocketOperations& sockets,
                          boost::asio::io_context& io);
void add_event_routes(Router& router, EventHub& hub);

}  // namespace cella::daemon
