#include "api/network.h"

#include "api/instance_members.h"
#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<Network> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("name", x.name);
    v("type", x.type);
    v("used_by", x.used_by);
    v("managed", x.managed);
    v("status", x.status);
    v("locations", x.locations);
  }
};
template <>
struct Members<NetworkPut> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
  }
};
template <>
struct Members<NetworkPatch> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
  }
};
template <>
struct Members<NetworkCreate> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("name", x.name);
    v("type", x.type);
  }
};
template <>
struct Members<NetworkLease> {
  static void visit(auto& v, auto& x) {
    v("hostname", x.hostname);
    v("hwaddr", x.hwaddr);
    v("address", x.address);
    v("type", x.type);
    v("location", x.location);
  }
};
template <>
struct Members<NetworkCounters> {
  static void visit(auto& v, auto& x) {
    v("bytes_received", x.bytes_received);
    v("bytes_sent", x.bytes_sent);
    v("packets_received", x.packets_received);
    v("packets_sent", x.packets_sent);
  }
};
template <>
struct Members<NetworkStateBridge> {
  static void visit(auto& v, auto& x) {
    v("id", x.id);
    v("stp", x.stp);
    v("forward_delay", x.forward_delay);
    v("vlan_default", x.vlan_default);
    v("vlan_filtering", x.vlan_filtering);
    v("upper_devices", x.upper_devices);
  }
};
template <>
struct Members<NetworkState> {
  static void visit(auto& v, auto& x) {
    v("addresses", x.addresses);
    v("counters", x.counters);
    v("hwaddr", x.hwaddr);
    v("mtu", x.mtu);
    v("state", x.state);
    v("type", x.type);
    v("bridge", x.bridge);
  }
};

CELLA_API_CODEC(Network)
CELLA_API_CODEC(NetworkPut)
CELLA_API_CODEC(NetworkPatch)
CELLA_API_CODEC(NetworkCreate)
CELLA_API_CODEC(NetworkLease)
CELLA_API_CODEC(NetworkCounters)
CELLA_API_CODEC(NetworkStateBridge)
CELLA_API_CODEC(NetworkState)

}  // namespace cella::api
