#include "api/instance.h"

#include "api/instance_members.h"
#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<InstancePut> {
  static void visit(auto& v, auto& x) {
    v("architecture", x.architecture);
    v("config", x.config);
    v("devices", x.devices);
    v("ephemeral", x.ephemeral);
    v("profiles", x.profiles);
    v("restore", x.restore, Empty::kOmit);
    v("stateful", x.stateful);
    v("description", x.description);
  }
};
template <>
struct Members<InstancePatch> {
  static void visit(auto& v, auto& x) {
    v("architecture", x.architecture);
    v("config", x.config);
    v("devices", x.devices);
    v("ephemeral", x.ephemeral);
    v("profiles", x.profiles);
    v("description", x.description);
  }
};
template <>
struct Members<InstanceSource> {
  static void visit(auto& v, auto& x) {
    v("type", x.type);
    v("certificate", x.certificate);
    v("alias", x.alias, Empty::kOmit);
    v("fingerprint", x.fingerprint, Empty::kOmit);
    v("properties", x.properties, Empty::kOmit);
    v("server", x.server, Empty::kOmit);
    v("secret", x.secret, Empty::kOmit);
    v("protocol", x.protocol, Empty::kOmit);
    v("base-image", x.base_image, Empty::kOmit);
    v("mode", x.mode, Empty::kOmit);
    v("secrets", x.secrets, Empty::kOmit);
    v("operation", x.operation, Empty::kOmit);
    v("source", x.source, Empty::kOmit);
    v("project", x.project, Empty::kOmit);
    v("live", x.live);
    v("instance_only", x.instance_only);
    v("container_only", x.container_only);
    v("refresh", x.refresh);
    v("allow_inconsistent", x.allow_inconsistent);
  }
};
template <>
struct Members<InstanceCreate> {
  static void visit(auto& v, auto& x) {
    v("architecture", x.architecture);
    v("config", x.config);
    v("devices", x.devices);
    v("ephemeral", x.ephemeral);
    v("profiles", x.profiles);
    v("stateful", x.stateful);
    v("description", x.description);
    v("name", x.name);
    v("source", x.source);
    v("instance_type", x.instance_type);
    v("type", x.type);
  }
};
template <>
struct Members<InstancePost> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("migration", x.migration);
    v("live", x.live);
    v("instance_only", x.instance_only);
    v("container_only", x.container_only);
    v("target", x.target);
    v("pool", x.pool);
    v("project", x.project);
    v("allow_inconsistent", x.allow_inconsistent);
  }
};
template <>
struct Members<Instance> {
  static void visit(auto& v, auto& x) {
    v("architecture", x.architecture);
    v("config", x.config);
    v("devices", x.devices);
    v("ephemeral", x.ephemeral);
    v("profiles", x.profiles);
    v("stateful", x.stateful);
    v("description", x.description);
    v("created_at", x.created_at);
    v("expanded_config", x.expanded_config);
    v("expanded_devices", x.expanded_devices);
    v("name", x.name);
    v("status", x.status);
    v("status_code", x.status_code);
    v("last_used_at", x.last_used_at);
    v("location", x.location);
    v("type", x.type);
    v("project", x.project);
  }
};
template <>
struct Members<InstanceFull> {
  static void visit(auto& v, auto& x) {
    Members<Instance>::visit(v, x.instance);
    v("backups", x.backups);
    v("state", x.state);
    v("snapshots", x.snapshots);
  }
};

CELLA_API_CODEC(InstancePut)
CELLA_API_CODEC(InstancePatch)
CELLA_API_CODEC(InstanceSource)
CELLA_API_CODEC(InstanceCreate)
CELLA_API_CODEC(InstancePost)
CELLA_API_CODEC(Instance)
CELLA_API_CODEC(InstanceFull)

}  // namespace cella::api
