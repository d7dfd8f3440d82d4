#include "daemon/volume_requests.h"

#include <algorithm>

#include "manager/names.h"
#include "manager/operations.h"
#include "manager/pools.h"
#include "manager/volume_parts.h"

namespace cella::daemon {
namespace {

Result<void> check_type(const std::string& type) {
  for (const char* known : {"", "container", "virtual-machine", "image", "custom"})
    if (type == known) return kOk;
  return invalid_value("type", type, "not one of container, virtual-machine, image, custom");
}

void add_custom(manager::VolumeParts& volumes, const manager::CustomVolume& volume,
                std::vector<manager::PoolVolume>& found) {
  found.push_back(shown_volume(volume));
  const auto snapshots = volumes.snapshots.list(volume.key);
  if (!snapshots.ok()) return;  // deleted just now
  for (const manager::CustomSnapshot& snapshot : *snapshots) {
    manager::PoolVolume shown = shown_volume(volume);
    shown.name += "/" + snapshot.name;
    shown.description = snapshot.description;
    shown.config = snapshot.config;
    shown.created_at = snapshot.created_at;
    found.push_back(std::move(shown));
  }
}

}  // namespace

std::string custom_project(manager::Server& server, const Request& request) {
  return source_project(server, request, "");
}

std::string source_project(manager::Server& server, const Request& request, const std::string& named) {
  return server.volumes().volumes.key_for(named.empty() ? request.project : named, "", "").project;
}

manager::VolumeKey custom_key(manager::Server& server, const Request& request) {
  return server.volumes().volumes.key_for(request.project, request.parameter("name"), request.parameter("volume"));
}

manager::PoolVolume shown_volume(const manager::CustomVolume& volume) {
  manager::PoolVolume shown;
  shown.name = volume.key.name;
  shown.type = "custom";
  shown.content_type = manager::content_text(volume.content);
  shown.description = volume.description;
  shown.config = volume.config;
  shown.used_by = volume.used_by;
  shown.created_at = volume.created_at;
  shown.project = volume.key.project;
  return shown;
}

Result<std::vector<manager::PoolVolume>> shown_volumes(manager::Server& server, const std::string& pool,
                                                       const std::string& type, const std::string& project) {
  TRY(check_type(type));
  TRY(server.pools().find(pool));
  std::vector<manager::PoolVolume> found;
  if (type != "custom") {
    for (manager::PoolVolume& volume : TRY(server.pools().volumes(pool))) {
      if (!type.empty() && volume.type != type) continue;
      if (volume.type != "image" && !project.empty() && volume.project != project) continue;
      found.push_back(std::move(volume));
    }
  }
  if (!type.empty() && type != "custom") return found;
  auto& volumes = server.volumes();
  const std::string custom = project.empty() ? "" : volumes.volumes.key_for(project, "", "").project;
  for (const manager::CustomVolume& volume : volumes.volumes.list(pool, custom)) add_custom(volumes, volume, found);
  return found;
}

Result<VolumeRequest> volume_from_wire(const api::StorageVolumesPost& body, const manager::VolumeKey& key,
                                       const std::string& path_type) {
  const std::string& type = path_type.empty() ? body.type : path_type;
  TRY(check_type(type));
  if (type != "custom" || (!body.type.empty() && body.type != "custom"))
    return invalid_value("type", body.type.empty() ? type : body.type, "only volumes of type custom are created here");
  VolumeRequest request;
  request.create = {key, TRY(manager::parse_content(body.content_type)), body.description, body.config};
  const api::StorageVolumeSource& source = body.source;
  if (source.type.empty() && source.name.empty()) return request;
  if (source.type == "migration")
    return Error(ErrorKind::kUnsupported, "source.type \"migration\": volumes are not copied between servers");
  if (!source.type.empty() && source.type != "copy")
    return invalid_value("source.type", source.type, "not one of copy, migration");
  if (source.name.empty()) return invalid_value("source.name", source.name, "a copy needs the name of its source");
  manager::CustomVolumeCopy copy;
  const std::size_t slash = source.name.find('/');
  copy.from = {source.pool.empty() ? key.pool : source.pool, {}, source.name.substr(0, slash)};
  if (slash != std::string::npos) copy.snapshot = source.name.substr(slash + 1);
  copy.volume_only = source.volume_only;
  copy.refresh = source.refresh;
  request.copy = std::move(copy);
  return request;
}

}  // namespace cella::daemon
