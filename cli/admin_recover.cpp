// admin recover: instances and volumes that are on disk and not in the database.
#include <algorithm>
#include <iostream>

#include "api/codec.h"
#include "api/recover.h"
#include "api/storage.h"
#include "cli/admin_commands.h"
#include "cli/commands.h"
#include "cli/init_questions.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

// "btrfs:/dev/sdb" and the like: a pool that lies somewhere else than the server puts them.
Result<api::RecoverPool> given_pool(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || colon == std::string::npos || colon < equals) {
    return invalid_value("--pool", text, "give NAME=DRIVER:SOURCE");
  }
  api::RecoverPool pool;
  pool.name = text.substr(0, equals);
  pool.driver = text.substr(equals + 1, colon - equals - 1);
  pool.config["source"] = text.substr(colon + 1);
  return pool;
}

Result<api::RecoverPost> pools_to_look_into(Server& server, const Arguments& arguments) {
  api::RecoverPost post;
  for (const auto& pool : TRY(server.list<api::StoragePool>("/1.0/storage-pools?recursion=1"))) {
    post.pools.push_back({.name = pool.name, .driver = pool.driver, .description = "", .config = {}});
  }
  for (auto& pool : TRY(server.list<api::RecoverPool>("/internal/recover/pools"))) {
    std::cout << "Found storage pool \"" << pool.name << "\" (" << pool.driver << ", " << pool.config["source"] << ")\n";
    post.pools.push_back(std::move(pool));
  }
  for (const auto& text : arguments.all("pool")) {
    auto pool = TRY(given_pool(text));
    std::erase_if(post.pools, [&](const auto& found) { return found.name == pool.name; });
    post.pools.push_back(std::move(pool));
  }
  return post;
}

void print(const api::RecoverFindings& findings) {
  std::cout << "What is on disk and not known:\n";
  for (const auto& volume : findings.volumes) {
    std::cout << " - " << (volume.type == "container" ? "Instance" : "Volume") << " \"" << volume.name
              << "\" in project \"" << volume.project << "\", storage pool \"" << volume.pool << "\" ("
              << volume.snapshot_count << " snapshots)\n";
  }
  if (findings.obstacles.empty()) return;
  std::cout << "What is missing for that:\n";
  for (const auto& missing : findings.obstacles) std::cout << " - " << missing << "\n";
}

Result<int> recover(Server& server, const Arguments& arguments) {
  const bool ask = !arguments.on("yes");
  const auto post = TRY(pools_to_look_into(server, arguments));
  const std::string body = api::encode(post);
  for (;;) {
    const auto answer = TRY(server.call("POST", "/internal/recover/validate", body));
    const auto findings = TRY(api::decode<api::RecoverFindings>(answer.response.metadata.text));
    if (findings.volumes.empty()) {
      std::cout << "Nothing was found that is not known already.\n";
      return 0;
    }
    print(findings);
    if (findings.obstacles.empty()) break;
    const std::string next = "Create what is missing first";
    if (!ask) {
      return Error(ErrorKind::kInvalid, next + ", or delete what cannot be recovered; nothing was changed");
    }
    std::cout << next << " (from another terminal).\n";
    if (!TRY(ask_yes_no(std::cin, std::cout, "Look again?", true))) return 1;
  }
  if (ask && !TRY(ask_yes_no(std::cin, std::cout, "Recover all of it?", false))) return 1;
  TRY(server.call("POST", "/internal/recover/import", body));
  std::cout << "Recovered.\n";
  return 0;
}

}  // namespace

Command recover_command() {
  return {
      .name = "recover",
      .summary = "Bring back instances and volumes that the database lost",
      .details =
          "Looks into all storage pools, known ones and those it finds in the usual places, for instances and custom\n"
          "volumes that the database does not know, and takes them back with their configuration and snapshots. What\n"
          "they need and is not there (profiles, networks, projects) is named; create it first. Images are not brought\n"
          "back.",
      .examples =
          "cella admin recover\n"
          "cella admin recover --yes\n"
          "cella admin recover --pool fast=btrfs:/dev/sdb1",
      .flags = {{.name = "pool",
                 .value = "NAME=DRIVER:SOURCE",
                 .help = "A storage pool that lies elsewhere; may be given several times"},
                {.name = "yes", .help = "Ask nothing"}},
      .run = recover};
}

}  // namespace cella::cli
