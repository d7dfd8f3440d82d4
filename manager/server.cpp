// The one place where the manager's objects are wired together.
#include "manager/server.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/files.h"
#include "cgroups/cpuset.h"
#include "manager/agenda.h"
#include "manager/certificates.h"
#include "manager/database.h"
#include "manager/events.h"
#include "manager/guest_sockets.h"
#include "manager/host_recovery.h"
#include "manager/images.h"
#include "manager/instance_backups.h"
#include "manager/instance_parts.h"
#include "manager/instance_publish.h"
#include "manager/host_checks.h"
#include "manager/instance_logs.h"
#include "manager/instance_metrics.h"
#include "manager/instance_schedules.h"
#include "manager/instances.h"
#include "manager/lxd_import.h"
#include "manager/manifests.h"
#include "manager/keeper_link.h"
#include "manager/launch_statistics.h"
#include "manager/project_contents.h"
#include "manager/project_records.h"
#include "manager/projects.h"
#include "manager/warnings.h"
#include "manager/networks.h"
#include "manager/node_watch.h"
#include "manager/operations.h"
#include "manager/pools.h"
#include "manager/profile_records.h"
#include "manager/proxies.h"
#include "manager/profiles.h"
#include "manager/server_config.h"
#include "manager/usage.h"
#include "manager/volume_parts.h"
#include "runtime/capabilities.h"

namespace cella::manager {

// Declared in the order of construction; ~Parts ends what runs before anything is torn down.
struct Server::Parts {
  explicit Parts(const ServerOptions& given) : options(given) {}
  ~Parts();
  Result<void> open();

  ServerOptions options;
  Fd lock;
  std::unique_ptr<Database> database;
  Events events;
  std::optional<Operations> operations;
  std::optional<cgroups::Hierarchy> hierarchy;
  std::unique_ptr<KeeperLink> keeper;
  std::unique_ptr<Pools> pools;
  std::optional<VolumeParts> volumes;
  std::unique_ptr<Images> images;
  std::unique_ptr<Networks> networks;
  std::unique_ptr<Profiles> profiles;
  std::unique_ptr<ServerConfig> config;
  std::unique_ptr<Certificates> certificates;
  std::unique_ptr<Projects> projects;
  InstanceSet set;
  std::optional<GuestSockets> guests;
  std::optional<Proxies> proxies;
  std::optional<NodeWatch> nodes;
  std::unique_ptr<Warnings> warnings;
  LaunchStatistics launches;
  std::optional<InstanceLogs> logs;
  SeccompPrograms seccomp;
  InstanceParts* parts = nullptr;  // owned by instances
  std::unique_ptr<Instances> instances;
  std::optional<ProjectContents> project_contents;
  std::optional<ProjectVolumePolicy> volume_policy;
  std::shared_ptr<OperationPool> keeper_work;
  std::optional<InstancePublish> publish;
  std::optional<InstanceBackups> backups;
  std::optional<InstanceSchedules> schedules;
  std::optional<HostRecovery> host_recovery;
  std::optional<LxdImport> lxd_import;
  std::optional<Manifests> manifests;
  std::optional<Agenda> agenda;

 private:
  Result<void> open_state();
  Result<void> open_nouns();
  Result<void> open_instances();
  Result<void> open_networks();
  Result<InstanceSurroundings> surroundings();
  std::vector<Chore> chores();

  const Timestamp opened_at = std::chrono::system_clock::now();
  Result<void> recover();
  void find_keeper_again();
};

namespace {

Result<std::string> find_runtime(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* from_environment = std::getenv("CELLA_RUNTIME"); from_environment != nullptr) {
    return std::string(from_environment);
  }
  std::string path(4096, '\0');
  const auto length = ::readlink("/proc/self/exe", path.data(), path.size());
  if (length < 0) return errno_error(errno, "readlink /proc/self/exe");
  path.resize(static_cast<std::size_t>(length));
  path = path.substr(0, path.rfind('/') + 1) + "cella-runtime";
  if (!path_exists(path)) return Error(ErrorKind::kNotFound, path + " is not there (see CELLA_RUNTIME)");
  return path;
}

Result<std::vector<IdWindow>> host_id_windows() {
  const auto text = [](const char* path) { return path_exists(path) ? read_file(path) : std::string(); };
  return id_windows(TRY(text("/etc/subuid")), TRY(text("/etc/subgid")));
}

Result<Fd> borrow(int fd) {
  if (fd < 0) return Fd();
  Fd borrowed(fd);
  auto copy = borrowed.duplicate();
  borrowed.release();
  return copy;
}

}  // namespace

Server::Parts::~Parts() {
  agenda.reset();
  if (keeper != nullptr) keeper->stop_listening();
  if (parts != nullptr) parts->boot.end();
  if (operations) operations->drain();
  manifests.reset();
  if (proxies) proxies->end_watch();
  if (nodes) nodes->end();
  if (keeper_work != nullptr) keeper_work->drain();
}

Result<void> Server::Parts::open() {
  TRY(open_state());
  TRY(open_nouns());
  TRY(open_networks());
  TRY(open_instances());
  TRY(recover());
  publish.emplace(parts->around, parts->files);
  backups.emplace(parts->around, parts->files, parts->creation, parts->snapshots, options.state_dir);
  TRY_CONTEXT("backups", backups->load());
  schedules.emplace(parts->around, parts->snapshots);
  host_recovery.emplace(parts->around, parts->creation, options.state_dir);
  lxd_import.emplace(parts->around, *backups);
  manifests.emplace(parts->around);
  agenda.emplace(events, chores());
  return kOk;
}

std::vector<Chore> Server::Parts::chores() {
  return {
      {[this](Timestamp) { return warnings->next_removal(); }, [this](Timestamp now) { warnings->remove_old(now); }},
      {[this](Timestamp now) { return schedules->next(now); }, [this](Timestamp now) { schedules->run(now); }},
      {[this](Timestamp) { return parts->snapshots.next_expiry(); },
       [this](Timestamp now) { parts->snapshots.remove_expired(now); }},
      {[this](Timestamp now) { return volumes->next_chore(now); }, [this](Timestamp now) { volumes->run_chores(now); }},
      {[this](Timestamp now) { return backups->next_sweep(now); }, [this](Timestamp now) { backups->sweep(now); }}};
}

Result<void> Server::Parts::open_state() {
  const auto& dir = options.state_dir;
  TRY(make_dirs(dir, 0711));
  lock = TRY(open_path(dir + "/daemon.lock", O_RDWR | O_CREAT, 0600));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error(ErrorKind::kBusy, "another daemon uses " + dir);
  }
  TRY(make_dirs(dir + "/database", 0700));
  const std::array schemas{project_schema(), pool_schema(),          custom_volume_schema(), image_schema(),
                           network_schema(), profile_schema(),       instance_schema(),      snapshot_schema(),
                           backup_schema(),  server_config_schema(), certificate_schema(),   warning_schema()};
  database = TRY(Database::open(dir + "/database/cella.db", schemas));
  operations.emplace(events);
  warnings = TRY(Warnings::load(*database, events));
  logs.emplace(dir + "/logs");
  config = TRY(ServerConfig::load(*database));
  certificates = TRY(Certificates::load(*database));
  projects = TRY_CONTEXT("projects", Projects::load(*database, events, *operations, *certificates));
  projects->set_server_config(*config);
  return kOk;
}

Result<void> Server::Parts::open_nouns() {
  hierarchy = TRY(cgroups::Hierarchy::find());
  runtime::KeeperOptions keeper_options;
  keeper_options.cella_dir = options.state_dir;
  keeper_options.runtime_binary = TRY_CONTEXT("cella-runtime", find_runtime(options.runtime_program));
  keeper = std::make_unique<KeeperLink>(keeper_options);
  keeper_work = std::make_shared<OperationPool>(1);
  TRY(keeper->open());
  pools = TRY_CONTEXT("storage pools", Pools::open({*database, events, options.state_dir}));
  volumes.emplace(CustomVolumes::Wiring{*database, events, *operations, *pools}, options.state_dir);
  volumes->volumes.set_project_of([this](const std::string& project) { return projects->project_of_volumes(project); });
  TRY_CONTEXT("custom volumes", volumes->load());
  images = TRY_CONTEXT("images", Images::open({*database, *operations, events, *pools, options.state_dir}));
  return kOk;
}

Result<void> Server::Parts::open_networks() {
  NetworksOptions network_options;
  network_options.state_dir = options.state_dir;
  network_options.host_mounts = TRY(borrow(options.host_mounts));
  network_options.used_by = [this](const std::string& network) { return users_of_network(set, *profiles, network); };
  network_options.live_host_names = [this] { return live_host_names(set); };
  networks = TRY_CONTEXT("networks", Networks::open(*database, std::move(network_options)));
  profiles = TRY_CONTEXT("profiles", Profiles::load(*database, events, [this](const Device& nic) {
                           return networks->validate_nic(nic);
                         }));
  pools->set_used_by([this](const std::string& pool) {
    auto users = users_of_pool(set, *profiles, pool);
    for (auto& url : volumes->urls(pool)) users.push_back(std::move(url));
    return users;
  });
  return kOk;
}

Result<InstanceSurroundings> Server::Parts::surroundings() {
  InstanceSurroundings around{*database,        events,    *operations, *projects, *profiles, *images,  *pools,
                              volumes->volumes, *networks, *keeper,     set,       *guests,   *proxies, *nodes,
                              *hierarchy,       *warnings, launches,    *logs,     seccomp};
  around.controllers = TRY_CONTEXT("cgroups", hierarchy->enable_all());
  around.usable_cpus = TRY_CONTEXT("cgroups", cgroups::usable_cpus(*hierarchy));
  around.host.memory_total = TRY(cgroups::parse_memory_total(TRY(read_file("/proc/meminfo"))));
  around.id_windows = TRY(host_id_windows());
  rlimit open_files{};
  if (::getrlimit(RLIMIT_NOFILE, &open_files) != 0) return errno_error(errno, "getrlimit RLIMIT_NOFILE");
  around.defaults.open_files = std::min<std::uint64_t>(around.defaults.open_files, open_files.rlim_max);
  around.defaults.dropped_capabilities = runtime::default_dropped_capabilities();
  auto filter = cgroups::DeviceFilter::load(cgroups::default_device_rules());
  if (filter.ok()) {
    around.device_filter = *std::move(filter);
  } else {
    warnings->raise(WarningKind::kNoDevicePrograms, "", "", filter.error().message());
  }
  return around;
}

Result<void> Server::Parts::open_instances() {
  guests.emplace();
  runtime::ProxyOptions proxy_options;
  proxy_options.cella_dir = options.state_dir;
  proxy_options.runtime_binary = TRY_CONTEXT("cella-runtime", find_runtime(options.runtime_program));
  proxy_options.mounts = options.host_mounts;
  proxies.emplace(proxy_options, [this] {
    events.log({"eror", "the proxy worker is lost; its connections with it", {}});
    keeper_work->run([this] { parts->recovery.recover_proxies(); });
  });
  nodes.emplace([this](std::int64_t instance) {
    keeper_work->run([this, instance] { parts->update.follow_nodes(instance); });
  });
  auto made = std::make_unique<InstanceParts>(set, TRY(surroundings()));
  parts = made.get();
  instances = std::make_unique<Instances>(std::move(made));
  profiles->set_users(&parts->update);
  project_contents.emplace(parts->around);
  projects->set_contents(&*project_contents);
  volume_policy.emplace(parts->around);
  volumes->volumes.set_policy(&*volume_policy);
  return kOk;
}

Result<void> Server::Parts::recover() {
  TRY_CONTEXT("instances", parts->recovery.load());
  TRY_CONTEXT("custom volumes", volumes->connect(set, *profiles, parts->update));
  TRY_CONTEXT("instances", parts->recovery.find_running());
  for (const auto& [name, error] : networks->start_all()) {
    events.log({"eror", "cannot bring up network: " + error.message(), {{"network", name}}});
    warnings->raise(WarningKind::kNetworkUnavailable, "default", "/1.0/networks/" + name, error.message());
  }
  for (const Pool& pool : pools->list()) {
    if (pool.status == "Created") continue;
    warnings->raise(WarningKind::kPoolUnavailable, "", "/1.0/storage-pools/" + pool.name,
                    "it could not be brought up: " + pool.status);
  }
  check_host(*warnings, parts->around.controllers, hierarchy->path());
  warnings->resolve_unseen_since(opened_at);
  parts->recovery.recover_proxies();
  // Not waited for: a container decides how long its own takes.
  keeper_work->run([this] { parts->recovery.recover_guests(); });
  KeeperLink::Listener listener;
  listener.container_exited = [this](const runtime::ContainerExit& exit) { parts->exits.report(exit); };
  listener.lost = [this](const Error& error) {
    events.log({"eror", "the keeper is lost: " + error.message(), {}});
    keeper_work->run([this] { find_keeper_again(); });
  };
  keeper->listen(std::move(listener));
  return kOk;
}

void Server::Parts::find_keeper_again() {
  const auto opened = keeper->reopen();
  if (opened.ok()) {
    parts->recovery.adopt_all();
    events.log({"info", "another keeper has taken over", {}});
  } else {
    events.log({"eror", opened.error().message(), {}});
  }
}

Result<std::unique_ptr<Server>> Server::open(const ServerOptions& options) {
  auto parts = std::make_unique<Parts>(options);
  TRY(parts->open());
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

Operations& Server::operations() { return *parts_->operations; }
Events& Server::events() { return parts_->events; }
Instances& Server::instances() { return *parts_->instances; }
GuestApi& Server::guests() { return parts_->parts->guests; }
InstanceSnapshots& Server::snapshots() { return parts_->parts->snapshots; }
InstancePublish& Server::publish() { return *parts_->publish; }
InstanceBackups& Server::backups() { return *parts_->backups; }
InstanceRestore& Server::restore() { return parts_->parts->restore; }
Projects& Server::projects() { return *parts_->projects; }
Profiles& Server::profiles() { return *parts_->profiles; }
Images& Server::images() { return *parts_->images; }
Pools& Server::pools() { return *parts_->pools; }
VolumeParts& Server::volumes() { return *parts_->volumes; }
Networks& Server::networks() { return *parts_->networks; }
Certificates& Server::certificates() { return *parts_->certificates; }
Warnings& Server::warnings() { return *parts_->warnings; }
LxdImport& Server::lxd_import() { return *parts_->lxd_import; }
HostRecovery& Server::host_recovery() { return *parts_->host_recovery; }
const LaunchStatistics& Server::launches() const { return parts_->launches; }
std::vector<InstanceMetrics> Server::metrics() const {
  return MetricsReader(parts_->parts->around, parts_->parts->views).read();
}
const InstanceLogs& Server::logs() const { return *parts_->logs; }
const std::string& Server::state_dir() const { return parts_->options.state_dir; }

Config Server::config() const { return parts_->config->get(); }
Result<void> Server::set_config(const Config& config) { return parts_->config->set(config); }
Result<void> Server::patch_config(const Config& config) { return parts_->config->patch(config); }
Result<bool> Server::accepts_password(const std::string& password) const {
  return parts_->config->accepts_password(password);
}

void Server::start_instances() { parts_->parts->boot.start_instances(); }
void Server::stop_instances() { parts_->parts->boot.stop_instances(); }

}  // namespace cella::manager
