#include "cli/commands.h"
#include "cli/daemon_options.h"

namespace cella::cli {

Command command_tree() {
  Command tree{.name = "cella",
               .summary = "Run whole Linux systems in containers",
               .details =
                   "The client of the cella daemon. A first container:\n"
                   "\n"
                   "  cella launch debian/12 first\n"
                   "  cella exec first -- bash"};
  tree.flags = {{.name = "all", .help = "Show every command (they always are)"}};
  tree.children = {admin_command(),
                   alias_command(),
                   completion_command(),
                   complete_command(),
                   config_command(),
                   console_command(),
                   copy_command(),
                   daemon_command(),
                   delete_instances_command(),
                   exec_command(),
                   export_command(),
                   file_command(),
                   help_command(),
                   image_command(),
                   import_command(),
                   info_command(),
                   init_command(),
                   launch_command(),
                   list_command(),
                   monitor_command(),
                   move_command(),
                   network_command(),
                   operation_command(),
                   pause_command(),
                   profile_command(),
                   project_command(),
                   publish_command(),
                   query_command(),
                   remote_command(),
                   rename_instance_command(),
                   restart_command(),
                   restore_command(),
                   snapshot_command(),
                   start_command(),
                   stop_command(),
                   storage_command(),
                   version_command(),
                   warning_command()};
  return tree;
}

}  // namespace cella::cli
