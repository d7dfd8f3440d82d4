// /1.0/instances/NAME/snapshots: the shape of one snapshot, and what a client may send.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct Snapshot {
  std::string architecture;
  ConfigMap config;
  std::string created_at;  // RFC 3339
  DeviceMap devices;
  bool ephemeral = false;
  ConfigMap expanded_config;
  DeviceMap expanded_devices;
  std::string expires_at;
  std::string last_used_at;
  std::string name;
  std::vector<std::string> profiles;
  std::int64_t size = -1;
  bool stateful = false;
};

// POST …/snapshots. expires_at: nullopt (null on the wire) means by `snapshots.expiry`; the zero time means never.
struct SnapshotsPost {
  std::string name;  // empty: the server chooses one
  bool stateful = false;
  std::optional<std::string> expires_at;
};

// PUT …/snapshots/NAME; PATCH the same, an absent member stays.
struct SnapshotPut {
  std::optional<std::string> expires_at;
};

// POST …/snapshots/NAME: rename (migration == false).
struct SnapshotPost {
  std::string name;
  bool migration = false;
  bool live = false;
  RawJson target;
};

}  // namespace cella::api
