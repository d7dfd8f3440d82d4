// Members of the structs that an instance nests, shared by the .cpp files that encode them.
#pragma once

#include "api/instance_state.h"
#include "api/json_codec.h"
#include "api/snapshot.h"

namespace cella::api {

template <>
struct Members<InstanceStateDisk> {
  static void visit(auto& v, auto& x) { v("usage", x.usage); }
};
template <>
struct Members<InstanceStateCpu> {
  static void visit(auto& v, auto& x) { v("usage", x.usage); }
};
template <>
struct Members<InstanceStateMemory> {
  static void visit(auto& v, auto& x) {
    v("usage", x.usage);
    v("usage_peak", x.usage_peak);
    v("swap_usage", x.swap_usage);
    v("swap_usage_peak", x.swap_usage_peak);
  }
};
template <>
struct Members<InterfaceAddress> {
  static void visit(auto& v, auto& x) {
    v("family", x.family);
    v("address", x.address);
    v("netmask", x.netmask);
    v("scope", x.scope);
  }
};
template <>
struct Members<InterfaceCounters> {
  static void visit(auto& v, auto& x) {
    v("bytes_received", x.bytes_received);
    v("bytes_sent", x.bytes_sent);
    v("packets_received", x.packets_received);
    v("packets_sent", x.packets_sent);
    v("errors_received", x.errors_received);
    v("errors_sent", x.errors_sent);
    v("packets_dropped_outbound", x.packets_dropped_outbound);
    v("packets_dropped_inbound", x.packets_dropped_inbound);
  }
};
template <>
struct Members<InstanceStateNetwork> {
  static void visit(auto& v, auto& x) {
    v("addresses", x.addresses);
    v("counters", x.counters);
    v("hwaddr", x.hwaddr);
    v("host_name", x.host_name);
    v("mtu", x.mtu);
    v("state", x.state);
    v("type", x.type);
  }
};
template <>
struct Members<InstanceState> {
  static void visit(auto& v, auto& x) {
    v("status", x.status);
    v("status_code", x.status_code);
    v("disk", x.disk);
    v("memory", x.memory);
    v("network", x.network);
    v("pid", x.pid);
    v("processes", x.processes);
    v("cpu", x.cpu);
  }
};
template <>
struct Members<InstanceStatePut> {
  static void visit(auto& v, auto& x) {
    v("action", x.action);
    v("timeout", x.timeout);
    v("force", x.force);
    v("stateful", x.stateful);
  }
};
template <>
struct Members<InstancesPut> {
  static void visit(auto& v, auto& x) { v("state", x.state); }
};
template <>
struct Members<Snapshot> {
  static void visit(auto& v, auto& x) {
    v("architecture", x.architecture);
    v("config", x.config);
    v("created_at", x.created_at);
    v("devices", x.devices);
    v("ephemeral", x.ephemeral);
    v("expanded_config", x.expanded_config);
    v("expanded_devices", x.expanded_devices);
    v("expires_at", x.expires_at);
    v("last_used_at", x.last_used_at);
    v("name", x.name);
    v("profiles", x.profiles);
    v("size", x.size);
    v("stateful", x.stateful);
  }
};

}  // namespace cella::api
