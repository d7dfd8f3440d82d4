// /1.0/instances/NAME/backups: the shape of one backup, and what a client may send.
#pragma once

#include <optional>
#include <string>

namespace cella::api {

struct Backup {
  std::string name;
  std::string created_at;  // RFC 3339
  std::string expires_at;
  bool instance_only = false;
  bool container_only = false;  // the same, for older clients
  bool optimized_storage = false;
};

// POST …/backups.
struct BackupsPost {
  std::string name;  // empty: the server chooses one
  std::optional<std::string> expires_at;
  bool instance_only = false;
  bool container_only = false;
  bool optimized_storage = false;
  std::string compression_algorithm;  // empty: gzip
};

// POST …/backups/NAME: rename.
struct BackupPost {
  std::string name;
};

}  // namespace cella::api
