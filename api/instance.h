// /1.0/instances: what a client may send and what the server answers. Times are RFC 3339 text in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/instance_state.h"
#include "api/snapshot.h"
#include "api/values.h"

namespace cella::api {

// PUT /1.0/instances/NAME: everything that may be written; replaces all of it.
struct InstancePut {
  std::string architecture;
  ConfigMap config;
  DeviceMap devices;
  bool ephemeral = false;
  std::vector<std::string> profiles;
  std::string restore;  // snapshot to restore; all else is ignored then
  bool stateful = false;
  std::string description;
};

// PATCH /1.0/instances/NAME: absent members stay as they are; config and devices are merged key by key.
struct InstancePatch {
  std::optional<std::string> architecture;
  ConfigMap config;
  DeviceMap devices;
  std::optional<bool> ephemeral;
  std::optional<std::vector<std::string>> profiles;
  std::optional<std::string> description;
};

// Where a new instance's root comes from. type: image, none, copy, migration.
struct InstanceSource {
  std::string type;
  std::string certificate;
  std::string alias;        // image: by alias,
  std::string fingerprint;  // by fingerprint (a unique prefix will do),
  ConfigMap properties;     // or by image properties
  std::string server;
  std::string secret;
  std::string protocol;
  std::string base_image;  // wire: "base-image"
  std::string mode;
  std::string operation;
  ConfigMap secrets;  // migration, pull: of the operation's sockets
  std::string source;  // copy: "NAME" or "NAME/SNAPSHOT"
  std::string project;
  bool live = false;
  bool instance_only = false;
  bool container_only = false;
  bool refresh = false;
  bool allow_inconsistent = false;
};

// POST /1.0/instances. profiles: nullopt (null on the wire) means ["default"]; an empty list means none.
struct InstanceCreate {
  std::string architecture;
  ConfigMap config;
  DeviceMap devices;
  bool ephemeral = false;
  std::optional<std::vector<std::string>> profiles;
  bool stateful = false;
  std::string description;
  std::string name;  // empty: the server chooses one
  InstanceSource source;
  std::string instance_type;
  std::string type;  // "container" or empty
};

// POST /1.0/instances/NAME: rename (migration == false) or move.
struct InstancePost {
  std::string name;
  bool migration = false;
  bool live = false;
  bool instance_only = false;
  bool container_only = false;
  RawJson target;
  std::string pool;
  std::string project;
  bool allow_inconsistent = false;
};

struct Instance {
  std::string architecture;
  ConfigMap config;
  DeviceMap devices;
  bool ephemeral = false;
  std::vector<std::string> profiles;
  bool stateful = false;
  std::string description;
  std::string created_at;
  ConfigMap expanded_config;
  DeviceMap expanded_devices;
  std::string name;
  std::string status;
  int status_code = 0;
  std::string last_used_at;
  std::string location;
  std::string type;
  std::string project;
};

// recursion=2 on the list, recursion=1 on one instance.
struct InstanceFull {
  Instance instance;  // its members stand at the top level on the wire
  std::vector<RawJson> backups;
  std::optional<InstanceState> state;
  std::vector<Snapshot> snapshots;
};

}  // namespace cella::api
