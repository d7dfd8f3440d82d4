// POST /1.0/images with an instance or a snapshot as its source.
#include "api/codec.h"
#include "api/publish.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/instance_publish.h"

namespace cella::daemon {
namespace {

Result<manager::CopyFrom> source_of(const api::PublishSource& source, const std::string& project) {
  if (source.type == "virtual-machine") {
    return Error(ErrorKind::kUnsupported, "source.type \"virtual-machine\": only containers are served");
  }
  manager::CopyFrom from;
  const auto slash = source.name.find('/');
  const std::string name = source.name.substr(0, slash);
  if (slash != std::string::npos) from.snapshot = source.name.substr(slash + 1);
  if (name.empty()) return Error(ErrorKind::kInvalid, "source.name: must name an instance or a snapshot");
  TRY(manager::check_instance_name(name));
  from.instance = manager::qualified_name(source.project.empty() ? project : source.project, name);
  const bool snapshot = source.type == "snapshot";
  if (snapshot != !from.snapshot.empty()) {
    return invalid_value("source.name", source.name, "does not go with source.type \"" + source.type + "\"");
  }
  return from;
}

Result<Reply> publish(manager::Server& server, const std::string& project, const std::string& json) {
  const auto body = TRY(api::decode<api::ImagePublish>(json));
  manager::PublishRequest request;
  request.source = TRY(source_of(body.source, project));
  request.compression = body.compression_algorithm;
  request.image.filename = body.filename;
  request.image.properties = body.properties;
  request.image.profiles = body.profiles;
  request.image.is_public = body.is_public;
  request.image.expires_at = TRY_CONTEXT("expires_at", time_from_wire(body.expires_at));
  for (const auto& alias : body.aliases) request.image.aliases.push_back({alias.name, alias.description});
  return operation_reply(server.operations(), TRY(server.publish().publish(request)));
}

}  // namespace

PublishImage make_publish(manager::Server& server) {
  return [&server](const std::string& project, const std::string& json) { return publish(server, project, json); };
}

}  // namespace cella::daemon
