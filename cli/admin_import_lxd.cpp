// admin import-lxd: takes instances over from a stopped LXD on this machine.
#include <algorithm>
#include <iostream>

#include "api/client.h"
#include "api/codec.h"
#include "api/lxd_import.h"
#include "cli/admin_commands.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

bool is_wanted(const Arguments& arguments, const std::string& name) {
  const auto& words = arguments.words;
  return words.empty() || std::find(words.begin(), words.end(), name) != words.end();
}

// One that cannot be taken over does not keep the others; it shows in the status.
Result<int> import_lxd(Server& server, const Arguments& arguments) {
  const std::string directory = arguments.text("lxd-dir", "/var/lib/lxd");
  const std::string query = "/internal/import-lxd?lxd-dir=" + api::percent_encode(directory);
  int status = 0;
  bool any = false;
  for (const auto& instance : TRY(server.list<api::LxdInstance>(query))) {
    if (!is_wanted(arguments, instance.name)) continue;
    any = true;
    std::string failure = instance.obstacle;
    if (failure.empty()) {
      const api::LxdImportPost post{directory, instance.pool, instance.name, arguments.text("pool")};
      const auto done = server.change("POST", "/internal/import-lxd", api::encode(post));
      if (!done.ok()) failure = done.error().message();
    }
    const std::string what = instance.name.empty() ? "Storage pool " + instance.pool : instance.name;
    if (failure.empty()) {
      std::cout << what << ": taken over\n";
    } else {
      std::cerr << "Error: " << what << ": " << failure << "\n";
      status = 1;
    }
  }
  if (!any) return Error(ErrorKind::kNotFound, "No such instance in " + directory);
  return status;
}

}  // namespace

Command import_lxd_command() {
  return {
      .name = "import-lxd",
      .usage = "[<instance>...]",
      .summary = "Take instances over from a stopped LXD on this machine",
      .details =
          "Copies containers with their snapshots out of LXD's storage pools (drivers dir and btrfs). Their profiles\n"
          "become configuration of their own; a NIC on a network that is not here goes to the default profile's.\n"
          "Nothing of LXD's is changed or deleted.",
      .examples =
          "cella admin import-lxd\n"
          "cella admin import-lxd --lxd-dir /var/snap/lxd/common/lxd web db",
      .flags = {{.name = "lxd-dir", .value = "directory", .help = "Where LXD keeps its state", .fallback = "/var/lib/lxd"},
                {.name = "pool", .value = "name", .help = "Storage pool to put them in"}},
      .max_words = kAnyNumber,
      .run = import_lxd};
}

}  // namespace cella::cli
