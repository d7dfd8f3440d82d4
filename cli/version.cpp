#include <cstdio>

#include "api/server.h"
#include "cli/commands.h"
#include "cli/server.h"
#include "cli/version.h"
#include "cli/words.h"

namespace cella::cli {
namespace {

Result<int> run(Server& server, const Arguments& arguments) {
  TRY(local_name(arguments.word(0)));
  const auto info = server.get<api::Server>("/1.0");
  std::printf("Client version: %s\nServer version: %s\n", kVersion.data(),
              info.ok() ? info->environment.server_version.c_str() : "unreachable");
  return 0;
}

}  // namespace

Command version_command() {
  return {.name = "version",
          .usage = "[<remote>:]",
          .summary = "Show the versions of client and server",
          .max_words = 1,
          .run = run};
}

}  // namespace cella::cli
