// The manager as one object: opens the state, wires the nouns, recovers what was running.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"
#include "manager/operation.h"

namespace cella::manager {

class Certificates;
class Database;
class Events;
class GuestApi;
class HostRecovery;
class Images;
class InstanceBackups;
class InstancePublish;
class InstanceRestore;
class InstanceSnapshots;
class Instances;
class LxdImport;
class Networks;
class Operations;
class Pools;
class Profiles;
class Projects;
class LaunchStatistics;
class InstanceLogs;
struct InstanceMetrics;
class Warnings;
struct VolumeParts;

struct ServerOptions {
  std::string state_dir;        // absolute; made when missing (0711)
  std::string runtime_program;  // absolute path of cella-runtime; empty: $CELLA_RUNTIME, else beside this executable
  // The mount namespace the process was started in (/proc/self/ns/mnt opened before it made its own), borrowed: helpers
  // that outlive the daemon (dnsmasq) run there. -1: they run in the daemon's.
  int host_mounts = -1;
};

// Owns everything below the API. Include the noun's header to use it. The caller has put this process into a mount
// namespace of its own (ARCHITECTURE) before it opens the server.
class Server {
 public:
  // Opens or creates the state, starts or finds the keeper, brings pools and networks up, finds running instances and
  // finishes or undoes what a killed daemon left half-done. Errors name the piece that failed.
  static Result<std::unique_ptr<Server>> open(const ServerOptions& options);
  // Containers go on.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Operations& operations();
  Events& events();
  Instances& instances();
  GuestApi& guests();
  InstanceSnapshots& snapshots();
  InstanceRestore& restore();
  InstancePublish& publish();
  InstanceBackups& backups();
  Projects& projects();
  Profiles& profiles();
  Images& images();
  Pools& pools();
  VolumeParts& volumes();
  Networks& networks();
  Certificates& certificates();
  Warnings& warnings();
  HostRecovery& host_recovery();
  LxdImport& lxd_import();
  const LaunchStatistics& launches() const;
  // Of every running instance.
  std::vector<InstanceMetrics> metrics() const;
  const InstanceLogs& logs() const;
  const std::string& state_dir() const;

  // Server configuration (the "config" of GET /1.0): user.* and what has an effect here.
  Config config() const;
  // PUT replaces, PATCH sets the keys given; an empty value unsets. Errors: kInvalid naming key and value.
  Result<void> set_config(const Config& config);
  Result<void> patch_config(const Config& config);
  // Whether it is core.trust_password. Takes about 50 ms. Errors: kInternal.
  Result<bool> accepts_password(const std::string& password) const;

  // Starts what boot.autostart and volatile.last_state.power ask for, by boot.autostart.priority; an operation's end is
  // not waited for. Call once, when the API listens.
  void start_instances();

  // For the host's shutdown: stops all running instances by boot.stop.priority, each gracefully within
  // boot.host_shutdown_timeout, then by force; returns when all have stopped. They are started again at the next boot.
  void stop_instances();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace cella::manager
