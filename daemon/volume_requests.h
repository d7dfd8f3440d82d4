// What clients send about storage volumes, as the manager takes it, and volumes as lists show them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/storage_volume.h"
#include "base/result.h"
#include "daemon/message.h"
#include "manager/custom_volume.h"
#include "manager/pool.h"
#include "manager/server.h"

namespace cella::daemon {

// The project that the custom volumes of the request's project are in.
std::string custom_project(manager::Server& server, const Request& request);
// Of a source that may name a project of its own.
std::string source_project(manager::Server& server, const Request& request, const std::string& named);
// The volume that the route names: parameters "name" (the pool) and "volume".
manager::VolumeKey custom_key(manager::Server& server, const Request& request);

manager::PoolVolume shown_volume(const manager::CustomVolume& volume);
// Instances' roots, images and custom volumes of a pool, with snapshots as "NAME/SNAPSHOT"; names are within their
// project. type: empty for all. project: empty for all. Errors: kNotFound for the pool; kInvalid for an unknown type.
Result<std::vector<manager::PoolVolume>> shown_volumes(manager::Server& server, const std::string& pool,
                                                       const std::string& type, const std::string& project);

struct VolumeRequest {
  manager::CustomVolumeCreate create;
  std::optional<manager::CustomVolumeCopy> copy;  // its project is the caller's to fill in
};
// path_type: of the route; empty: the body says it. Errors: kInvalid, kUnsupported naming type or source.
Result<VolumeRequest> volume_from_wire(const api::StorageVolumesPost& body, const manager::VolumeKey& key,
                                       const std::string& path_type);

}  // namespace cella::daemon
