// What one network and one NIC look like from outside: values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "manager/config.h"
#include "manager/instance.h"
#include "netlink/ip.h"
#include "netlink/message.h"

namespace cella::manager {

// What a client may write. type: "" or "bridge" on create; ignored on update.
struct NetworkConfig {
  std::string name;
  std::string description;
  std::string type;
  Config config;
};

struct Network {
  std::string name;
  std::string description;
  std::string type;  // "bridge"; for unmanaged interfaces also "physical", "loopback", "bond", "vlan", "unknown"
  bool managed = false;
  std::string status;  // "Created", "Errored"; empty when unmanaged
  Config config;
  std::vector<std::string> used_by;  // URLs
};

// GET /1.0/networks/NAME/state: an interface's state and what only bridges have.
struct NetworkDetails {
  NetworkState interface;
  struct Bridge {
    std::string id;  // "8000.00163e45cf79"
    bool stp = false;
    std::uint64_t forward_delay = 0;  // hundredths of a second
    std::uint64_t vlan_default = 0;
    bool vlan_filtering = false;
    std::vector<std::string> upper_devices;  // the ports
  };
  std::optional<Bridge> bridge;
};

struct Lease {
  std::string hostname;
  std::string hwaddr;  // empty for the gateway
  std::string address;
  std::string type;  // "static", "dynamic", "gateway"
  std::string instance = {};  // whose NIC has it, by its qualified name; empty: none that is known
};

// One NIC of one instance. config: the device as merged from profiles ("type" = "nic").
struct NicRequest {
  std::string instance;
  std::string device;    // the device's name, "eth0"
  Device config;
  std::string mac;       // used when the device has no "hwaddr"; "00:16:3e:…"
  unsigned position = 0; // 0 for the instance's first NIC, 1 for the next: gives the default interface name eth<position>
};

// Everything that has to happen for one NIC at a start. A value: nothing in the kernel yet but the firewall and DHCP.
struct NicPlan {
  std::string host_name;       // volatile.<device>.host_name
  std::string interface_name;  // inside
  std::string mac;
  std::string network;         // managed network, or empty
  std::string parent;          // bridge; empty for p2p
  std::vector<netlink::IpPrefix> addresses;
  netlink::Batch host_batch;
  std::vector<std::size_t> pid_offsets;  // into host_batch.bytes()
  netlink::Batch inner_batch;            // this link only, without lo
};

// The batches of all NICs of one instance, as a launch plan takes them.
struct LaunchNetwork {
  netlink::Bytes host_batch;
  std::vector<std::size_t> pid_offsets;  // u32 each
  netlink::Bytes inner_batch;            // lo, then each NIC; never empty
};
LaunchNetwork combine(const std::vector<NicPlan>& plans);

// "00:16:3e:" and three random bytes.
std::string random_mac();

}  // namespace cella::manager
