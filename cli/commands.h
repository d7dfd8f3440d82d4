// One function per top-level verb; the tree puts them together.
#pragma once

#include "cli/command.h"

namespace cella::cli {

Command admin_command();
Command alias_command();
Command completion_command();
Command complete_command();
Command config_command();
Command console_command();
Command copy_command();
Command delete_instances_command();
Command exec_command();
Command export_command();
Command file_command();
Command help_command();
Command image_command();
Command import_command();
Command info_command();
Command init_command();
Command launch_command();
Command list_command();
Command monitor_command();
Command move_command();
Command network_command();
Command operation_command();
Command pause_command();
Command profile_command();
Command project_command();
Command publish_command();
Command query_command();
Command remote_command();
Command rename_instance_command();
Command restart_command();
Command restore_command();
Command snapshot_command();
Command start_command();
Command stop_command();
Command storage_command();
Command version_command();
Command warning_command();

}  // namespace cella::cli
