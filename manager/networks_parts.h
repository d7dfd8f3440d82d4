// The inside of Networks, shared by its source files only.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "manager/dnsmasq.h"
#include "manager/network_host_settings.h"
#include "manager/network_jobs.h"
#include "manager/network_nic.h"
#include "manager/network_records.h"
#include "manager/network_settings.h"
#include "manager/network_subnets.h"
#include "manager/networks.h"
#include "manager/process_watch.h"

namespace cella::manager {

// One managed network. index: of the bridge; 0 while it is not up.
struct ManagedNetwork {
  NetworkRecord record;
  BridgeSettings settings;
  Dnsmasq dnsmasq;
  std::uint32_t index = 0;
  std::deque<std::chrono::steady_clock::time_point> revivals = {};  // of dnsmasq, the latest ones
};

using NicKey = std::tuple<std::int64_t, std::string, std::string>;  // network, instance, device

struct Networks::Parts {
  Parts(Database& records, NetworksOptions given, netlink::Socket route_socket, netlink::Socket nft_socket);

  std::string directory_of(const std::string& name) const { return options.state_dir + "/networks/" + name; }
  ManagedNetwork make_network(NetworkRecord record, BridgeSettings settings) const;
  ManagedNetwork* find(const std::string& name);
  std::vector<std::string> users_of(const std::string& name) const;

  // Kernel and dnsmasq follow the network's settings. Repeatable.
  Result<void> bring_up(ManagedNetwork& network);
  // Nothing of it is left in the kernel or in its directory.
  Result<void> take_down(ManagedNetwork& network);
  Result<void> write_hosts(ManagedNetwork& network);
  // Starts it, and again when it ends by itself.
  Result<void> start_dnsmasq(ManagedNetwork& network);
  // Called without the lock. One that keeps ending is left alone until the next NIC needs it.
  void revive_dnsmasq(const std::string& name);

  // What others have: other networks' subnets (except: this one) and this host's addresses and routes.
  Result<std::vector<UsedSubnet>> used_subnets(const std::string& except);
  // Replaces "auto", gives defaults on create, and drops empty values.
  Result<Config> fill_config(const Config& given, const std::string& name, bool creating);
  Result<void> check_subnets(const BridgeSettings& settings, const std::string& name);

  // The NIC's record with addresses that fit the network now; stored if anything changed.
  Result<NicRecord> reserve(ManagedNetwork& network, const NicRequest& request, const NicSettings& settings,
                            const netlink::MacAddress& mac);
  Result<void> filter_vlans(std::uint32_t bridge);
  Result<NicPlan> plan(const NicRequest& request, const netlink::PeerPlace& place);
  void withdraw(const NicRequest& request, const std::string& host_name);
  ManagedNetwork* network_of(const NicSettings& settings);
  Result<void> forget_if(const std::function<bool(const NicRecord&)>& chosen);

  Database& database;
  NetworksOptions options;
  std::mutex mutex;  // everything below
  netlink::Socket route;
  netlink::Socket nft;
  HostSettings host_settings;
  std::map<std::string, ManagedNetwork> networks;
  std::map<NicKey, NicRecord> nics;
  // Last: their threads end before the rest goes.
  NetworkJobs jobs;
  ProcessWatch dnsmasq_watch;
};

// "INSTANCE.DEVICE" with what cannot be in a file name replaced.
std::string host_key(const NicRecord& nic);
std::optional<DnsmasqHost> dnsmasq_host(const NicRecord& nic);

}  // namespace cella::manager
