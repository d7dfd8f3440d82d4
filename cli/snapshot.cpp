// snapshot and restore.
#include "api/snapshot.h"

#include "api/instance.h"
#include "api/time.h"
#include "cli/commands.h"
#include "cli/object.h"
#include "cli/snapshot_name.h"

namespace cella::cli {

Result<SnapshotName> snapshot_name(std::string_view word) {
  const std::string name = TRY(required_name(word, "instance"));
  const auto slash = name.find('/');
  if (slash == std::string::npos) return SnapshotName{name, {}};
  SnapshotName parts{name.substr(0, slash), name.substr(slash + 1)};
  if (parts.instance.empty() || parts.snapshot.empty() || parts.snapshot.find('/') != std::string::npos) {
    return invalid_value("snapshot", word, "expected <instance>/<snapshot>");
  }
  return parts;
}

std::string snapshot_url(const SnapshotName& name) {
  if (name.snapshot.empty()) return url({"instances", name.instance});
  return url({"instances", name.instance, "snapshots", name.snapshot});
}

namespace {

Result<int> take(Server& server, const Arguments& arguments) {
  const std::string instance = TRY(required_name(arguments.word(0), "instance"));
  const std::string name = arguments.word(1);
  const std::string target = url({"instances", instance, "snapshots"});
  if (!name.empty() && arguments.on("reuse")) {
    const auto present = server.call("GET", snapshot_url({instance, name}));
    if (present.ok()) TRY(server.change("DELETE", snapshot_url({instance, name}), {}, {}, "Deleting " + name));
  }
  api::SnapshotsPost post{.name = name, .stateful = arguments.on("stateful"), .expires_at = {}};
  if (arguments.on("no-expiry")) post.expires_at = std::string(api::kNever);
  TRY(server.change("POST", target, api::encode(post), {}, "Taking a snapshot of " + instance));
  return 0;
}

Result<int> restore(Server& server, const Arguments& arguments) {
  const std::string instance = TRY(required_name(arguments.word(0), "instance"));
  const std::string given = arguments.word(1);
  api::InstancePut put;
  put.restore = given.find('/') == std::string::npos ? instance + "/" + given : given;
  put.stateful = arguments.on("stateful");
  TRY(server.change("PUT", url({"instances", instance}), api::encode(put), {}, "Restoring " + instance));
  return 0;
}

}  // namespace

Command snapshot_command() {
  return {.name = "snapshot",
          .usage = "<instance> [<snapshot-name>]",
          .summary = "Take a snapshot of an instance",
          .details =
              "Without a name the server chooses one by the instance's snapshots.pattern (snap0, snap1, ...).\n"
              "A running instance is held still while its files are copied.",
          .flags = {{.name = "no-expiry", .help = "Keep the snapshot whatever snapshots.expiry says"},
                    {.name = "reuse", .help = "Delete a snapshot of that name first"},
                    {.name = "stateful", .help = "Keep the memory too (containers cannot)"}},
          .min_words = 1,
          .max_words = 2,
          .completes = {Names::kInstance, Names::kNothing},
          .run = take};
}

Command restore_command() {
  return {.name = "restore",
          .usage = "<instance> <snapshot>",
          .summary = "Put an instance back to what it was at a snapshot",
          .details = "A running instance is stopped and started again.",
          .flags = {{.name = "stateful", .help = "Restore the memory too (containers cannot)"}},
          .min_words = 2,
          .max_words = 2,
          .completes = {Names::kInstance, Names::kNothing},
          .run = restore};
}

}  // namespace cella::cli
