// storage volume list, show.
#pragma once

#include "cli/command.h"

namespace cella::cli {

Command storage_volume_command();

}  // namespace cella::cli
