// What one instance looks like from outside: values only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status_code.h"
#include "manager/config.h"
#include "manager/names.h"
#include "manager/operation.h"

namespace cella::manager {

class OperationHandle;

// What a client may write (PUT).
struct InstancePut {
  std::string architecture;  // empty: keep, or the host's on create
  std::string description;
  Config config;
  Devices devices;
  std::vector<std::string> profiles;
  bool ephemeral = false;
  bool stateful = false;
};

// PATCH: absent members stay; config keys and devices given are set one by one (an empty value unsets the key).
struct InstancePatch {
  std::optional<std::string> architecture;
  std::optional<std::string> description;
  Config config;
  Devices devices;
  std::optional<std::vector<std::string>> profiles;
  std::optional<bool> ephemeral;
};

// What a new instance is a copy of.
struct CopyFrom {
  std::string instance;        // qualified (names.h)
  std::string snapshot;        // empty: the instance as it is now
  bool instance_only = false;  // without its snapshots
  bool refresh = false;        // an instance of the new name that is there is brought up to date
};

struct InstanceCreate {
  std::string project = "default";
  std::string name;  // short; empty: one is made up
  InstancePut put;
  // put.profiles counts only when given; else the instance gets "default".
  bool profiles_given = false;
  // A full fingerprint of a local image (aliases are resolved by the caller); empty: an empty root (source "none").
  std::string fingerprint;
  std::optional<CopyFrom> copy;  // instead of an image
};

// Brings an image here as a part of the operation that makes an instance of it; gives its fingerprint.
using FetchImage = std::function<Result<std::string>(const OperationHandle&)>;

struct Instance {
  std::string name;  // within its project
  std::string description;
  std::string architecture;
  Config config;
  Devices devices;
  std::vector<std::string> profiles;
  bool ephemeral = false;
  bool stateful = false;
  Timestamp created_at;
  Timestamp last_used_at;  // epoch: never started
  StatusCode status = StatusCode::kStopped;
  std::string type = "container";
  std::string location = "none";
  std::string project = "default";
  Config expanded_config;
  Devices expanded_devices;

  // What the functions of Instances call it.
  std::string key() const { return qualified_name(project, name); }
};

struct NetworkAddress {
  std::string family;  // "inet", "inet6"
  std::string address;
  std::string netmask;  // prefix length: "24"
  std::string scope;    // "global", "link", "local"
};

struct NetworkState {
  std::vector<NetworkAddress> addresses;
  std::int64_t bytes_received = 0, bytes_sent = 0, packets_received = 0, packets_sent = 0;
  std::int64_t errors_received = 0, errors_sent = 0, packets_dropped_inbound = 0, packets_dropped_outbound = 0;
  std::string hwaddr;
  std::string host_name;  // the host's end; empty when there is none
  int mtu = 0;
  std::string state;  // "up", "down"
  std::string type;   // "broadcast", "loopback", "point-to-point"
};

struct InstanceState {
  StatusCode status = StatusCode::kStopped;
  struct Disk {
    std::int64_t usage = 0;  // bytes
    std::int64_t total = 0;  // bytes; 0 when there is no quota
  };
  std::map<std::string, Disk> disk;  // by device name
  struct Memory {
    std::int64_t usage = 0, usage_peak = 0, swap_usage = 0, swap_usage_peak = 0, total = 0;  // bytes
  } memory;
  std::map<std::string, NetworkState> network;  // by interface name inside
  std::int64_t pid = 0;         // of init, as the host sees it; 0 when stopped (the wire says 0 too)
  std::int64_t processes = -1;  // -1: unknown, as LXD has it for a stopped instance it is 0
  std::int64_t cpu_usage_ns = 0;
};

enum class StateAction { kStart, kStop, kRestart, kFreeze, kUnfreeze };

struct StateChange {
  StateAction action = StateAction::kStart;
  int timeout_seconds = -1;  // for stop and restart; negative: LXD's default of 600 s (or none with force)
  bool force = false;
  bool stateful = false;  // refused: kUnsupported
};

struct ExecRequest {
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;  // added to the defaults (PATH, HOME, TERM, LANG, USER)
  std::uint32_t user = 0;
  std::uint32_t group = 0;
  std::string directory;  // empty: $HOME of root, or "/"
  bool terminal = false;  // a pty of the container instead of the three descriptors
  int columns = 0;        // initial window; 0: 80x25
  int rows = 0;
};

// How long each step of the latest launch took, in order.
struct LaunchTrace {
  struct Step {
    std::string name;
    std::int64_t nanoseconds = 0;
  };
  Timestamp started_at;
  std::vector<Step> steps;
};

}  // namespace cella::manager
