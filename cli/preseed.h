// A whole host's set-up as one document: what `admin init` makes, and what --preseed and --dump exchange as YAML.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/network.h"
#include "api/profile.h"
#include "api/project.h"
#include "api/storage.h"
#include "api/values.h"
#include "base/result.h"
#include "cli/server.h"

namespace cella::cli {

struct Preseed {
  api::ConfigMap config;  // the server's own keys
  std::vector<api::NetworkCreate> networks;
  std::vector<api::StoragePoolCreate> pools;
  std::vector<api::ProjectCreate> projects;
  std::vector<api::ProfileCreate> profiles;                                 // of the project default
  std::map<std::string, std::vector<api::ProfileCreate>> project_profiles;  // of the others, by project
};

// Errors: kInvalid naming an unknown key or a wrong value; kUnsupported for clusters and for
// networks of another project than default, which projects do not have here.
Result<Preseed> parse_preseed(const std::string& yaml);

// The same document as YAML.
Result<std::string> format_preseed(const Preseed& preseed);

// What the server has now: managed networks, pools, projects, profiles; keys the daemon keeps for itself are left out.
Result<Preseed> read_preseed(Server& server);

// Makes the server match: what is missing is created, what exists gets the keys and devices named (others stay).
// When something fails, what was created by this call is deleted again.
// Errors: kExists for a pool of that name with another driver; the server's.
Result<void> apply_preseed(Server& server, const Preseed& preseed);

}  // namespace cella::cli
