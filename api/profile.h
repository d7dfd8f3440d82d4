// /1.0/profiles.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct Profile {
  ConfigMap config;
  std::string description;
  DeviceMap devices;
  std::string name;
  std::vector<std::string> used_by;
};

struct ProfilePut {
  ConfigMap config;
  std::string description;
  DeviceMap devices;
};

// PATCH: config and devices are merged key by key.
struct ProfilePatch {
  ConfigMap config;
  std::optional<std::string> description;
  DeviceMap devices;
};

struct ProfileCreate {
  ConfigMap config;
  std::string description;
  DeviceMap devices;
  std::string name;
};

// A rename, for every noun that is renamed by POST {"name": …}.
struct Rename {
  std::string name;
};

}  // namespace cella::api
