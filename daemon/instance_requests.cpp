#include "daemon/instance_requests.h"

#include <algorithm>
#include <climits>

namespace cella::daemon {
namespace {

bool has_all(const manager::Image& image, const api::ConfigMap& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& property) {
    const auto found = image.properties.find(property.first);
    return found != image.properties.end() && found->second == property.second;
  });
}

// The newest image with all the properties.
Result<std::string> find_by_properties(const api::ConfigMap& properties, const manager::Images& images) {
  std::optional<manager::Image> newest;
  for (manager::Image& image : images.list()) {
    if (!has_all(image, properties)) continue;
    if (!newest || image.uploaded_at > newest->uploaded_at) newest = std::move(image);
  }
  if (!newest) {
    const auto& [key, value] = *properties.begin();
    return Error(ErrorKind::kNotFound, "no image has the properties asked for (" + key + "=" + value + ", …)");
  }
  return newest->fingerprint;
}

Result<manager::CopyFrom> copy_of(const api::InstanceSource& source, const std::string& project) {
  if (source.source.empty()) return Error(ErrorKind::kInvalid, "source.source: must name an instance");
  const auto slash = source.source.find('/');
  manager::CopyFrom from;
  const std::string name = source.source.substr(0, slash);
  TRY(manager::check_instance_name(name));
  from.instance = manager::qualified_name(source.project.empty() ? project : source.project, name);
  if (slash != std::string::npos) from.snapshot = source.source.substr(slash + 1);
  from.instance_only = source.instance_only || source.container_only;
  from.refresh = source.refresh;
  return from;
}

Result<std::string> fingerprint_of(const api::InstanceSource& source, const manager::Images& images) {
  if (source.type == "none" || source.type == "migration") return std::string();
  if (source.type != "image") {
    return invalid_value("source.type", source.type, "expected image, copy, migration or none");
  }
  if (!source.server.empty()) return std::string();  // fetched when the operation runs
  if (!source.fingerprint.empty()) return TRY(images.find(source.fingerprint)).fingerprint;
  if (!source.alias.empty()) return TRY(images.resolve(source.alias)).fingerprint;
  if (!source.properties.empty()) return find_by_properties(source.properties, images);
  return Error(ErrorKind::kInvalid, "source: must have an alias, a fingerprint or properties of an image");
}

}  // namespace

Result<manager::InstanceCreate> create_from_wire(const api::InstanceCreate& body, const std::string& project,
                                                 const manager::Images& images) {
  if (!body.type.empty() && body.type != "container") {
    return Error(ErrorKind::kUnsupported, "type \"" + body.type + "\": only containers are served");
  }
  if (!body.instance_type.empty()) {
    return Error(ErrorKind::kUnsupported,
                 "instance_type \"" + body.instance_type + "\": use limits.cpu and limits.memory");
  }
  manager::InstanceCreate create;
  create.project = project;
  create.name = body.name;
  create.put.architecture = body.architecture;
  create.put.description = body.description;
  create.put.config = body.config;
  create.put.devices = body.devices;
  create.put.ephemeral = body.ephemeral;
  create.put.stateful = body.stateful;
  create.profiles_given = body.profiles.has_value();
  create.put.profiles = body.profiles.value_or(std::vector<std::string>());
  if (body.source.type == "copy") {
    create.copy = TRY(copy_of(body.source, project));
  } else {
    create.fingerprint = TRY(fingerprint_of(body.source, images));
  }
  return create;
}

manager::InstancePut put_from_wire(const api::InstancePut& body) {
  manager::InstancePut put;
  put.architecture = body.architecture;
  put.description = body.description;
  put.config = body.config;
  put.devices = body.devices;
  put.profiles = body.profiles;
  put.ephemeral = body.ephemeral;
  put.stateful = body.stateful;
  // Clients unset a key by sending it empty.
  std::erase_if(put.config, [](const auto& entry) { return entry.second.empty(); });
  return put;
}

manager::InstancePatch patch_from_wire(const api::InstancePatch& body) {
  manager::InstancePatch patch;
  patch.architecture = body.architecture;
  patch.description = body.description;
  patch.config = body.config;
  patch.devices = body.devices;
  patch.profiles = body.profiles;
  patch.ephemeral = body.ephemeral;
  return patch;
}

Result<manager::StateChange> state_change_from_wire(const api::InstanceStatePut& body) {
  manager::StateChange change;
  if (body.action == "start") {
    change.action = manager::StateAction::kStart;
  } else if (body.action == "stop") {
    change.action = manager::StateAction::kStop;
  } else if (body.action == "restart") {
    change.action = manager::StateAction::kRestart;
  } else if (body.action == "freeze") {
    change.action = manager::StateAction::kFreeze;
  } else if (body.action == "unfreeze") {
    change.action = manager::StateAction::kUnfreeze;
  } else {
    return invalid_value("action", body.action, "expected start, stop, restart, freeze or unfreeze");
  }
  if (body.timeout < -1 || body.timeout > INT_MAX) {
    return invalid_value("timeout", std::to_string(body.timeout), "expected seconds, or -1");
  }
  change.timeout_seconds = static_cast<int>(body.timeout);
  change.force = body.force;
  change.stateful = body.stateful;
  return change;
}

}  // namespace cella::daemon
