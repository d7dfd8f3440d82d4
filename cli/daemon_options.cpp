#include "cli/daemon_options.h"

#include "cli/help.h"
#include "cli/parse.h"

namespace cella::cli {

Command daemon_command() {
  return {.name = "daemon",
          .summary = "Serve the API and manage this machine's containers",
          .details =
              "Runs until SIGTERM. Containers keep running when it stops, and it finds them again when it starts.\n"
              "The API's socket is unix.socket in the state directory.",
          .flags = {{.name = "state-dir",
                     .value = "directory",
                     .help = "Where everything is kept",
                     .fallback = "$CELLA_DIR, else /var/lib/cella"},
                    {.name = "group", .value = "name", .help = "Group that may use the socket"}},
          .run = [](Server&, const Arguments&) -> Result<int> {
            return Error(ErrorKind::kInternal, "the daemon is started by the executable's main");
          }};
}

Result<DaemonFlags> parse_daemon_options(const std::vector<std::string>& words) {
  const Command command = daemon_command();
  const Invocation invocation = TRY(parse(command, words));
  if (invocation.wrong_count) return invalid_value("daemon", invocation.arguments.words[0], "takes no words");
  return DaemonFlags{.state_dir = invocation.arguments.text("state-dir"),
                     .group = invocation.arguments.text("group"),
                     .debug = invocation.arguments.on("debug"),
                     .help = invocation.wants_help};
}

std::string daemon_help() { return help_text(daemon_command(), "cella daemon"); }

}  // namespace cella::cli
