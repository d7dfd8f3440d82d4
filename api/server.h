// GET/PUT/PATCH /1.0: what the server is and its own configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct StorageDriver {
  std::string name;     // wire: "Name"
  std::string version;  // wire: "Version"
  bool remote = false;  // wire: "Remote"
};

struct ServerEnvironment {
  std::vector<std::string> addresses;
  std::vector<std::string> architectures;
  std::string certificate;
  std::string certificate_fingerprint;
  std::string driver;
  std::string driver_version;
  std::string firewall;
  std::string kernel;
  std::string kernel_architecture;
  ConfigMap kernel_features;
  std::string kernel_version;
  ConfigMap lxc_features;
  std::string os_name;
  std::string os_version;
  std::string project;
  std::string server;
  bool server_clustered = false;
  std::string server_event_mode;
  std::string server_name;
  std::int64_t server_pid = 0;
  std::string server_version;
  std::string storage;
  std::string storage_version;
  std::vector<StorageDriver> storage_supported_drivers;
};

// PUT /1.0 replaces config; PATCH /1.0 merges it.
struct ServerPut {
  ConfigMap config;
};

// What GET /1.0 tells a client that is not trusted.
struct ServerUntrusted {
  std::vector<std::string> api_extensions;
  std::string api_status;
  std::string api_version;
  std::string auth;
  bool is_public = false;  // wire: "public"
  std::vector<std::string> auth_methods;
};

struct Server {
  ConfigMap config;
  std::vector<std::string> api_extensions;
  std::string api_status;
  std::string api_version;
  std::string auth;
  bool is_public = false;  // wire: "public"
  std::vector<std::string> auth_methods;
  ServerEnvironment environment;
};

}  // namespace cella::api
