#include <cstdio>
#include <iostream>
#include <string>

#include "api/instance.h"
#include "cli/commands.h"
#include "cli/object.h"
#include "cli/quantity.h"
#include "cli/snapshot_name.h"

namespace cella::cli {
namespace {

constexpr std::int64_t kWithoutEnd = -1;

bool is_stopped(const api::Instance& instance) {
  return instance.status_code == 0 || instance.status_code == static_cast<int>(StatusCode::kStopped) ||
         instance.status_code == static_cast<int>(StatusCode::kError);
}

// Errors: kCancelled unless the user types "yes".
Result<void> confirm(const std::string& name) {
  std::printf("Remove %s (yes/no): ", name.c_str());
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes" || answer == "y") return kOk;
  return Error(ErrorKind::kCancelled, "User aborted delete operation");
}

Result<void> stop_by_force(Server& server, const std::string& name) {
  const api::InstanceStatePut put{.action = "stop", .timeout = kWithoutEnd, .force = true, .stateful = false};
  TRY(server.change("PUT", url({"instances", name, "state"}), api::encode(put), {}, "Stopping " + name));
  return kOk;
}

Result<void> delete_one(Server& server, const std::string& name, const Arguments& arguments) {
  if (arguments.on("interactive")) TRY(confirm(name));
  const SnapshotName parts = TRY(snapshot_name(name));
  const std::string target = snapshot_url(parts);
  if (!parts.snapshot.empty()) {
    TRY(server.change("DELETE", target, {}, {}, "Deleting " + name));
    return kOk;
  }
  const auto instance =
      TRY_CONTEXT("Failed checking instance exists \"local:" + name + "\"", server.get<api::Instance>(target));
  if (!is_stopped(instance)) {
    if (!arguments.on("force")) {
      return Error(ErrorKind::kExists, "The instance is currently running, stop it first or pass --force");
    }
    TRY(stop_by_force(server, name));
    if (instance.ephemeral) return kOk;  // it deleted itself when it stopped
  }
  TRY(server.change("DELETE", target, {}, {}, "Deleting " + name));
  return kOk;
}

// Every name is checked first: a typing error deletes nothing.
Result<int> run(Server& server, const Arguments& arguments) {
  std::vector<std::string> names;
  for (const std::string& word : arguments.words) {
    const SnapshotName name = TRY(snapshot_name(word));
    names.push_back(TRY(local_name(word)));
    TRY_CONTEXT("Failed checking instance exists \"local:" + names.back() + "\"", server.call("GET", snapshot_url(name)));
  }
  for (const std::string& name : names) TRY(delete_one(server, name, arguments));
  return 0;
}

}  // namespace

Command delete_instances_command() {
  return {.name = "delete",
          .aliases = {"rm"},
          .usage = "<instance>[/<snapshot>] [<instance>[/<snapshot>]...]",
          .summary = "Delete instances and snapshots",
          .flags = {{.letter = 'f', .name = "force", .help = "Stop running instances first"},
                    {.letter = 'i', .name = "interactive", .help = "Ask before each"}},
          .min_words = 1,
          .max_words = kAnyNumber,
          .completes = {Names::kInstance},
          .run = run};
}

}  // namespace cella::cli
