// What a storage pool looks like from outside: values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "manager/config.h"
#include "manager/operation.h"

namespace cella::manager {

struct Pool {
  std::string name;
  std::string driver;  // "overlay", "btrfs", "dir"
  std::string description;
  Config config;
  std::string status;                // "Created", "Unvailable" as LXD spells it, when it could not be brought up
  std::vector<std::string> used_by;  // URLs
};

struct PoolCreate {
  std::string name;
  std::string driver;  // empty: kInvalid
  std::string description;
  Config config;
};

struct PoolResources {
  std::int64_t space_used = 0;  // bytes
  std::int64_t space_total = 0;
  std::int64_t inodes_used = 0;
  std::int64_t inodes_total = 0;
};

// A volume as GET /1.0/storage-pools/NAME/volumes lists it.
struct PoolVolume {
  std::string name;  // of a snapshot "NAME/SNAPSHOT"
  std::string type;  // "container", "image"
  std::string content_type = "filesystem";
  std::string description;
  Config config;
  std::vector<std::string> used_by;  // URLs
  Timestamp created_at;
  std::string project = "default";
};

struct PoolVolumeUsage {
  std::int64_t used = 0;   // bytes
  std::int64_t total = 0;  // bytes; 0: no quota
};

}  // namespace cella::manager
