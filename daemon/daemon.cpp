#include "daemon/daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <spdlog/spdlog.h>

#include "api/beast.h"
#include "base/fd.h"
#include "daemon/access.h"
#include "daemon/event_hub.h"
#include "daemon/guest_events.h"
#include "daemon/guest_handlers.h"
#include "daemon/guest_listeners.h"
#include "daemon/handlers.h"
#include "daemon/http_server.h"
#include "daemon/https_listener.h"
#include "daemon/image_clock.h"
#include "daemon/image_fetches.h"
#include "daemon/join_tokens.h"
#include "daemon/log.h"
#include "daemon/metrics_handlers.h"
#include "daemon/process.h"
#include "daemon/scope.h"
#include "daemon/socket_operations.h"
#include "daemon/version.h"

namespace cella::daemon {
namespace {

namespace asio = boost::asio;

constexpr unsigned kWorkers = 4;
constexpr unsigned kMetricsWorkers = 1;

std::string state_dir_of(const DaemonOptions& options) {
  if (!options.state_dir.empty()) return options.state_dir;
  const char* from_environment = std::getenv("CELLA_DIR");
  return from_environment != nullptr && *from_environment != '\0' ? from_environment : "/var/lib/cella";
}

// Everything that serves the API, in order of dependence: destroyed from the last to the first.
class Service {
 public:
  explicit Service(std::unique_ptr<manager::Server> server)
      : server_(std::move(server)),
        fetches_(std::make_shared<ImageFetches>(server_->images(), server_->operations())),
        hub_(io_, server_->events()),
        tokens_(server_->operations()),
        http_(io_, router_, kWorkers),
        https_(http_, server_->state_dir()),
        metrics_http_(io_, metrics_router_, kMetricsWorkers),
        metrics_https_(metrics_http_, server_->state_dir(), kMetricsKey),
        guest_events_(io_),
        guest_listeners_(io_, guest_router_),
        image_clock_(io_, *server_, fetches_, [this](std::function<void()> work) { http_.run_on_worker(std::move(work)); }),
        minute_(io_) {
    http_.set_scope([this](Request& request) { return find_scope(request, server_->projects()); });
    http_.set_authorize([this](Request& request) {
      return authorize(request, server_->certificates(), server_->operations());
    });
    metrics_http_.set_authorize([this](Request& request) { return authorize_metrics(request); });
    add_routes();
    add_guest_routes(guest_router_, server_->guests(), server_->images(), guest_events_);
    serve_guests();
  }
  ~Service() {
    server_->guests().serve_by({});
    stop_log_events();
  }

  void serve(Fd listener) {
    start_log_events(server_->events());
    http_.serve(std::move(listener));
    listen_for_remotes();
    listen_for_metrics();
    expire_tokens();
    image_clock_.start();
    asio::signal_set signals(io_, SIGTERM, SIGINT);
    signals.async_wait([this](boost::system::error_code error, int number) {
      if (error) return;
      spdlog::info("stopping signal={}", number);
      notify_systemd("STOPPING=1");
      http_.close();
      metrics_http_.close();
      hub_.close();
      guest_events_.close();
      io_.stop();
    });
    notify_systemd("READY=1");
    http_.run_on_worker([this] { server_->start_instances(); });
    io_.run();
  }

 private:
  void serve_guests() {
    manager::GuestDoor door;
    door.opened = [this](manager::GuestId id, Fd listener) { guest_listeners_.open(id, std::move(listener)); };
    door.closed = [this](manager::GuestId id) { guest_listeners_.close(id); };
    door.happened = [this](manager::GuestId id, const manager::GuestEvent& event) { guest_events_.deliver(id, event); };
    server_->guests().serve_by(std::move(door));
  }

  // An address that is gone (a network that is not up yet) must not keep the local socket from being served.
  void listen_for_remotes() {
    const auto config = server_->config();
    const auto address = config.find("core.https_address");
    if (address == config.end()) return;
    const Result<void> listening = https_.listen(address->second);
    if (!listening.ok()) spdlog::error("HTTPS is not served error=\"{}\"", listening.error().message());
  }

  // Who may read metrics anywhere may do it here, and everybody else where that is configured.
  Result<void> authorize_metrics(Request& request) {
    if (metrics_open_ && request.path == "/1.0/metrics") return kOk;
    return authorize(request, server_->certificates(), server_->operations());
  }

  void listen_for_metrics() {
    const auto config = server_->config();
    metrics_open_ = metrics_are_open(config);
    const auto address = config.find(std::string(kMetricsKey.name));
    if (address == config.end()) return;
    const Result<void> listening = metrics_https_.listen(address->second);
    if (!listening.ok()) spdlog::error("metrics are not served error=\"{}\"", listening.error().message());
  }

  void expire_tokens() {
    tokens_.expire(std::chrono::system_clock::now());
    minute_.expires_after(std::chrono::minutes(1));
    minute_.async_wait([this](boost::system::error_code error) {
      if (!error) expire_tokens();
    });
  }

  void add_routes() {
    const RunOnWorker run = [this](std::function<void()> work) { http_.run_on_worker(std::move(work)); };
    add_server_routes(router_, *server_, {https_, metrics_https_, metrics_open_});
    add_metrics_routes(router_, *server_);
    add_metrics_routes(metrics_router_, *server_);
    add_warning_routes(router_, server_->warnings());
    add_recover_routes(router_, *server_);
    add_lxd_import_routes(router_, *server_);
    add_certificate_routes(router_, *server_, https_, tokens_);
    add_project_routes(router_, *server_);
    add_instance_routes(router_, *server_, fetches_, sockets_, io_);
    add_snapshot_routes(router_, *server_, sockets_, io_);
    add_backup_routes(router_, *server_);
    add_instance_state_routes(router_, *server_);
    add_instance_log_routes(router_, *server_);
    add_instance_file_routes(router_, *server_);
    add_instance_metadata_routes(router_, *server_);
    add_exec_routes(router_, *server_, sockets_, io_, run);
    add_console_routes(router_, *server_, sockets_, io_, run);
    add_image_routes(router_, server_->images(), server_->operations(), fetches_, make_publish(*server_));
    add_alias_routes(router_, server_->images());
    add_profile_routes(router_, server_->profiles());
    add_network_routes(router_, server_->networks());
    add_storage_routes(router_, server_->pools());
    add_volume_routes(router_, *server_);
    add_volume_snapshot_routes(router_, *server_);
    add_volume_backup_routes(router_, *server_);
    add_operation_routes(router_, server_->operations(), sockets_, io_);
    add_event_routes(router_, hub_);
  }

  asio::io_context io_{1};
  Router router_;
  SocketOperations sockets_;
  std::unique_ptr<manager::Server> server_;
  std::shared_ptr<ImageFetches> fetches_;
  EventHub hub_;
  JoinTokens tokens_;
  HttpServer http_;
  HttpsListener https_;
  std::atomic<bool> metrics_open_ = false;
  Router metrics_router_;
  HttpServer metrics_http_;
  HttpsListener metrics_https_;
  Router guest_router_;
  GuestEvents guest_events_;
  GuestListeners guest_listeners_;
  ImageClock image_clock_;
  asio::steady_timer minute_;
};

Result<void> run(const DaemonOptions& options) {
  const std::string state_dir = state_dir_of(options);
  if (state_dir.front() != '/') return invalid_value("state-dir", state_dir, "must be an absolute path");
  const std::optional<gid_t> group = TRY_CONTEXT("--group", find_group(options.group));
  const Fd host_mounts = TRY(open_path("/proc/self/ns/mnt", O_RDONLY));
  TRY(enter_mount_namespace());
  manager::ServerOptions server_options;
  server_options.state_dir = state_dir;
  server_options.host_mounts = host_mounts.get();
  std::unique_ptr<manager::Server> server = TRY(manager::Server::open(server_options));
  // The server holds the state directory's lock, so nobody else listens here. The socket appears when everything behind
  // it works.
  const std::string path = state_dir + "/unix.socket";
  Fd listener = TRY(listen_on_unix_socket(path, group));
  Service service(std::move(server));
  spdlog::info("serving socket={} version={}", path, kVersion);
  service.serve(std::move(listener));
  // While the lock is held: a daemon that starts now makes a socket of its own only afterwards.
  if (unlink(path.c_str()) != 0) spdlog::warn("cannot remove the socket path={} errno={}", path, errno);
  return kOk;
}

}  // namespace

int run_daemon(const DaemonOptions& options) {
  limit_memory();
  raise_file_limit();
  std::signal(SIGPIPE, SIG_IGN);
  start_log(options.debug ? LogLevel::kDebug : LogLevel::kInfo);
  try {
    const Result<void> outcome = run(options);
    if (outcome.ok()) return 0;
    spdlog::error("daemon failed error=\"{}\"", outcome.error().message());
  } catch (const std::exception& error) {
    spdlog::error("daemon failed error=\"{}\"", error.what());
  }
  return 1;
}

}  // namespace cella::daemon
