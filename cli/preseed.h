// A whole host's set-up as one document: what `admin init` makes, and what --preseed and --dump exchange as YAML.
#pragma once

#include <string>
#include <vector>

#include "api/network.h"
#include "api/profile.h"
#include "api/storage.h"
#include "api/values.h"
#include "base/result.h"
#include "cli/server.h"

namespace cella::cli {

struct Preseed {
  api::ConfigMap config;  // the server's own keys
  std::vector<api::NetworkCreate> networks;
  std::vector<api::StoragePoolCreate> pools;
  std::vector<api::ProfileCreate> profiles;
};

// Errors: kInvalid naming an unknown key or a wrong value; kUnsupported for clusters and other projects.
Result<Preseed> parse_preseed(const std::string& yaml);

// The same document as YAML.
Result<std::string> format_preseed(const Preseed& preseed);

// What the server has now: managed networks, pools, profiles; keys the daemon keeps for itself are left out.
Result<Preseed> read_preseed(Server& server);

// Makes the server match: what is missing is created, what exists gets the keys and devices named (others stay).
// When something fails, what was created by this call is deleted again.
// Errors: kExists for a pool of that name with another driver; the server's.
Result<void> apply_preseed(Server& server, const Preseed& preseed);

}  // namespace cella::cli
