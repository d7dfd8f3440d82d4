// Managed bridges with DHCP, DNS, NAT and firewall, and the network side of instances' NICs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "manager/network.h"
#include "netlink/socket.h"

namespace cella::manager {

class Database;
struct Schema;

// The tables of networks and of NICs' addresses, for Database::open().
const Schema& network_schema();

struct NetworksOptions {
  std::string state_dir;  // $CELLA_DIR; files go to networks/NAME/
  // The mount namespace the daemon was started in, opened before it made its own: dnsmasq runs there, so that it does
  // not keep a dead daemon's mounts alive. Invalid: dnsmasq runs in the daemon's namespace.
  Fd host_mounts;
  // URLs of what uses a network ("/1.0/instances/c1", "/1.0/profiles/default"). Called without a lock held.
  std::function<std::vector<std::string>(const std::string& network)> used_by;
  // Names of the host's links of running instances' NICs (volatile.*.host_name); stale firewall rules of others are
  // removed by start_all(). Empty function: none is removed.
  std::function<std::vector<std::string>()> live_host_names;
};

// Owns the networks' records and everything in the kernel and in user space that belongs to them. The bridges, the
// firewall and dnsmasq outlive it (and a killed daemon); start_all() finds them again. Everything happens in the network
// namespace of the thread that calls open(). Thread-safe.
class Networks {
 public:
  // database outlives this object.
  static Result<std::unique_ptr<Networks>> open(Database& database, NetworksOptions options);
  ~Networks();
  Networks(const Networks&) = delete;
  Networks& operator=(const Networks&) = delete;

  // Brings every managed network up, reusing what is still there. A network that cannot be brought up gets the status
  // "Errored" and its error is returned (by network name); the others still start.
  std::map<std::string, Error> start_all();

  // Errors: kInvalid naming key and value (also for an unknown key, a subnet in use or a name that cannot be an
  // interface's), kExists for a taken name (network or interface). A failure leaves nothing behind.
  Result<void> create(const NetworkConfig& network);
  // Replaces description and config (PUT); what is not given goes back to its default. On failure the old one is restored.
  Result<void> update(const NetworkConfig& network);
  // Errors: kInvalid while it is used (as LXD: "The network is currently in use"), kNotFound.
  Result<void> remove(const std::string& name);
  Result<void> rename(const std::string& name, const std::string& new_name);

  // Managed networks, then the namespace's other interfaces (without veth ends).
  Result<std::vector<Network>> list();
  Result<Network> get(const std::string& name);
  Result<NetworkDetails> state(const std::string& name);
  // The gateway, then every NIC's address, then what dnsmasq gave to others.
  Result<std::vector<Lease>> leases(const std::string& name);

  // Checks a NIC device without touching anything. Errors: kInvalid naming key and value, kNotFound for its network.
  Result<void> validate_nic(const Device& config);

  // Prepares a start: reserves the addresses (the same ones as last time), tells dnsmasq, installs filters, and plans the
  // links under a fresh host name. Errors: kInvalid, kNotFound (network, parent), kNoSpace (no free address).
  Result<NicPlan> attach(const NicRequest& request);
  // After a stop (or a failed start): removes what attach() installed for this host name. The link goes with its
  // namespace; addresses stay reserved. Never waits for the kernel. Missing things are success.
  void detach(const NicRequest& request, const std::string& host_name);
  // The NIC or its instance was deleted: gives its addresses back.
  Result<void> forget(const std::string& instance, const std::string& device);
  Result<void> forget_instance(const std::string& instance);
  // The instance has a new name: its addresses stay.
  Result<void> rename_instance(const std::string& instance, const std::string& new_name);

  // Adds a NIC to a running container: attach(), then both batches. network_namespace: the container's.
  Result<NicPlan> plug(const NicRequest& request, const Fd& network_namespace);
  // Removes it: detach(), and the link is deleted in the background.
  void unplug(const NicRequest& request, const std::string& host_name);
  // Changes limits.* and security.* of a running NIC in place.
  Result<void> update_nic(const NicRequest& request, const std::string& host_name);

 private:
  struct Parts;
  explicit Networks(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// The interfaces of the namespace a socket is bound in, by name, as GET /1.0/instances/NAME/state shows them. host_name is
// left empty: the caller knows it from volatile.<device>.host_name.
Result<std::map<std::string, NetworkState>> read_network_states(netlink::Socket& socket);

}  // namespace cella::manager
