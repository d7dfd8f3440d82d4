// limits.read, limits.write and limits.max of disks: from the devices' keys to the block devices that they are about.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cgroups/controller.h"
#include "cgroups/io.h"
#include "manager/config.h"

namespace cella::manager {

class Pools;

// What one disk may move in a second. pool: of the root disk or a volume; empty: source is a path of this host.
struct DiskLimit {
  std::string device;
  std::string key;  // one of its keys, for errors
  std::string pool;
  std::string source;
  bool required = true;  // else a missing source has no limit
  cgroups::IoMax rates;  // its block device is still to be found
  bool operator==(const DiskLimit&) const = default;
};

// nullopt: the disk has none. Errors: kInvalid naming key and value, also for limits.max beside one of the others.
Result<std::optional<DiskLimit>> parse_disk_limit(const std::string& name, const Device& disk);

// One line for each block device; where several disks are on one, the average of their limits, as in LXD.
// Errors: kUnsupported naming device and key when the io controller is missing or the file system is on no block device
// (tmpfs, network); kNotFound when the source is missing.
Result<std::vector<cgroups::IoMax>> resolve_disk_limits(const std::vector<DiskLimit>& limits, const Pools& pools,
                                                        cgroups::ControllerSet available);

// The average of the limits of each device, in order of devices.
std::vector<cgroups::IoMax> average(const std::vector<cgroups::IoMax>& limits);

}  // namespace cella::manager
