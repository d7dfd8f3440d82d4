// /1.0/networks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/instance_state.h"
#include "api/values.h"

namespace cella::api {

struct Network {
  ConfigMap config;
  std::string description;
  std::string name;
  std::string type;  // "bridge", "physical", "loopback", …
  std::vector<std::string> used_by;
  bool managed = false;
  std::string status;
  std::vector<std::string> locations;
};

struct NetworkPut {
  ConfigMap config;
  std::string description;
};

struct NetworkPatch {
  ConfigMap config;
  std::optional<std::string> description;
};

// type: empty means "bridge".
struct NetworkCreate {
  ConfigMap config;
  std::string description;
  std::string name;
  std::string type;
};

struct NetworkLease {
  std::string hostname;
  std::string hwaddr;
  std::string address;
  std::string type;  // "static", "dynamic", "gateway"
  std::string location;
};

struct NetworkCounters {
  std::int64_t bytes_received = 0;
  std::int64_t bytes_sent = 0;
  std::int64_t packets_received = 0;
  std::int64_t packets_sent = 0;
};

struct NetworkStateBridge {
  std::string id;
  bool stp = false;
  std::int64_t forward_delay = 0;
  std::int64_t vlan_default = 0;
  bool vlan_filtering = false;
  std::vector<std::string> upper_devices;
};

struct NetworkState {
  std::vector<InterfaceAddress> addresses;
  NetworkCounters counters;
  std::string hwaddr;
  std::int64_t mtu = 0;
  std::string state;
  std::string type;
  std::optional<NetworkStateBridge> bridge;
};

}  // namespace cella::api
