// /1.0/instances/NAME/state: live counters (GET) and actions (PUT).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct InstanceStateDisk {
  std::int64_t usage = 0;  // bytes
};

struct InstanceStateCpu {
  std::int64_t usage = 0;  // nanoseconds
};

struct InstanceStateMemory {
  std::int64_t usage = 0;  // bytes, as all below
  std::int64_t usage_peak = 0;
  std::int64_t swap_usage = 0;
  std::int64_t swap_usage_peak = 0;
};

struct InterfaceAddress {
  std::string family;  // "inet", "inet6"
  std::string address;
  std::string netmask;  // prefix length in decimal
  std::string scope;    // "local", "link", "global"
};

struct InterfaceCounters {
  std::int64_t bytes_received = 0;
  std::int64_t bytes_sent = 0;
  std::int64_t packets_received = 0;
  std::int64_t packets_sent = 0;
  std::int64_t errors_received = 0;
  std::int64_t errors_sent = 0;
  std::int64_t packets_dropped_outbound = 0;
  std::int64_t packets_dropped_inbound = 0;
};

struct InstanceStateNetwork {
  std::vector<InterfaceAddress> addresses;
  InterfaceCounters counters;
  std::string hwaddr;
  std::string host_name;
  std::int64_t mtu = 0;
  std::string state;  // "up", "down"
  std::string type;   // "broadcast", "loopback", …
};

struct InstanceState {
  std::string status;
  int status_code = 0;
  std::map<std::string, InstanceStateDisk> disk;
  InstanceStateMemory memory;
  std::map<std::string, InstanceStateNetwork> network;
  std::int64_t pid = 0;        // on the host; 0 when not running
  std::int64_t processes = 0;  // -1 when unknown
  InstanceStateCpu cpu;
};

// action: start, stop, restart, freeze, unfreeze. timeout: seconds, -1 for without end.
struct InstanceStatePut {
  std::string action;
  std::int64_t timeout = 0;
  bool force = false;
  bool stateful = false;
};

// PUT /1.0/instances: the action for all instances it applies to.
struct InstancesPut {
  InstanceStatePut state;
};

}  // namespace cella::api
