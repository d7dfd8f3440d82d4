#include "api/server.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<StorageDriver> {
  static void visit(auto& v, auto& x) {
    v("Name", x.name);
    v("Version", x.version);
    v("Remote", x.remote);
  }
};
template <>
struct Members<ServerEnvironment> {
  static void visit(auto& v, auto& x) {
    v("addresses", x.addresses);
    v("architectures", x.architectures);
    v("certificate", x.certificate);
    v("certificate_fingerprint", x.certificate_fingerprint);
    v("driver", x.driver);
    v("driver_version", x.driver_version);
    v("firewall", x.firewall);
    v("kernel", x.kernel);
    v("kernel_architecture", x.kernel_architecture);
    v("kernel_features", x.kernel_features);
    v("kernel_version", x.kernel_version);
    v("lxc_features", x.lxc_features);
    v("os_name", x.os_name);
    v("os_version", x.os_version);
    v("project", x.project);
    v("server", x.server);
    v("server_clustered", x.server_clustered);
    v("server_event_mode", x.server_event_mode);
    v("server_name", x.server_name);
    v("server_pid", x.server_pid);
    v("server_version", x.server_version);
    v("storage", x.storage);
    v("storage_version", x.storage_version);
    v("storage_supported_drivers", x.storage_supported_drivers);
  }
};
template <>
struct Members<ServerPut> {
  static void visit(auto& v, auto& x) { v("config", x.config); }
};
template <>
struct Members<ServerUntrusted> {
  static void visit(auto& v, auto& x) {
    v("api_extensions", x.api_extensions);
    v("api_status", x.api_status);
    v("api_version", x.api_version);
    v("auth", x.auth);
    v("public", x.is_public);
    v("auth_methods", x.auth_methods);
  }
};
template <>
struct Members<Server> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("api_extensions", x.api_extensions);
    v("api_status", x.api_status);
    v("api_version", x.api_version);
    v("auth", x.auth);
    v("public", x.is_public);
    v("auth_methods", x.auth_methods);
    v("environment", x.environment);
  }
};

CELLA_API_CODEC(StorageDriver)
CELLA_API_CODEC(ServerEnvironment)
CELLA_API_CODEC(ServerPut)
CELLA_API_CODEC(ServerUntrusted)
CELLA_API_CODEC(Server)

}  // namespace cella::api
