// Verbs below `config` that have files of their own.
#pragma once

#include "cli/command.h"

namespace cella::cli {

Command instance_metadata_command();
Command instance_template_command();

}  // namespace cella::cli
