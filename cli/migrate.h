// An instance from one server to another: what "copy" and "move" do when their words name two remotes.
#pragma once

#include <string>
#include <string_view>

#include "api/instance.h"
#include "base/result.h"
#include "cli/command.h"
#include "cli/server.h"
#include "cli/snapshot_name.h"

namespace cella::cli {

// A word with the remote it is for: the one before its colon, else the default one.
struct RemoteName {
  std::string remote;
  std::string name;
};
Result<RemoteName> remote_name_of(Server& server, std::string_view word);

// Addresses at which another server can reach this one, and its certificate.
struct Reachable {
  std::vector<std::string> addresses;  // "https://192.0.2.1:8443"
  std::string certificate;
};
// Errors: kInvalid when it is not on the network.
Result<Reachable> reachable(Server& server);

enum class MigrationMode : std::uint8_t { kPull, kPush, kRelay };
// "pull" when not given. Errors: kInvalid naming it.
Result<MigrationMode> migration_mode(const Arguments& arguments);

// --device: keys of the devices, which are as in the expanded ones unless `devices` has them. --storage: the root disk is
// in that pool. Errors: kInvalid naming the flag and its value.
Result<void> apply_device_flags(const Arguments& arguments, const api::DeviceMap& expanded, api::DeviceMap& devices);

struct Migration {
  SnapshotName from;
  api::InstanceCreate create;  // with name and configuration; its source is filled in
  MigrationMode mode = MigrationMode::kPull;
  bool live = false;
  bool instance_only = false;
  bool refresh = false;
};

// Returns when the instance is there. Errors: those of either server; nothing is left of an attempt.
Result<void> migrate(Server& source, Server& target, Migration migration);

}  // namespace cella::cli
