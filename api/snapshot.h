// /1.0/instances/NAME/snapshots: the shape of one snapshot.
#pragma once

#include <cstdint>
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

}  // namespace cella::api
