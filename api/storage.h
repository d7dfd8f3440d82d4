// /1.0/storage-pools and the volumes below them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct StoragePool {
  ConfigMap config;
  std::string description;
  std::string name;
  std::string driver;
  std::vector<std::string> used_by;
  std::string status;
  std::vector<std::string> locations;
};

struct StoragePoolPut {
  ConfigMap config;
  std::string description;
};

struct StoragePoolPatch {
  ConfigMap config;
  std::optional<std::string> description;
};

struct StoragePoolCreate {
  ConfigMap config;
  std::string description;
  std::string name;
  std::string driver;
};

struct ResourceUsage {
  std::int64_t used = 0;
  std::int64_t total = 0;
};

// GET /1.0/storage-pools/NAME/resources.
struct StoragePoolResources {
  ResourceUsage space;  // bytes
  ResourceUsage inodes;
};

struct StorageVolume {
  ConfigMap config;
  std::string description;
  std::string name;
  std::string type;  // "container", "image", "custom"
  std::vector<std::string> used_by;
  std::string location;
  std::string content_type;
  std::string project;
  std::string created_at;
};

}  // namespace cella::api
