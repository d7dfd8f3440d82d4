// The parts of `admin` that have files of their own.
#pragma once

#include "cli/command.h"

namespace cella::cli {

Command import_lxd_command();
Command recover_command();

}  // namespace cella::cli
