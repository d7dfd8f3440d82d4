// The verbs below `file`.
#pragma once

#include "cli/command.h"

namespace cella::cli {

Command file_mount_command();
Command file_push_command();
Command file_pull_command();

}  // namespace cella::cli
