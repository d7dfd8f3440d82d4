// The verbs of `image` that have a file of their own.
#pragma once

#include "cli/command.h"

namespace cella::cli {

Command image_alias_command();
Command image_copy_command();
Command image_export_command();
Command image_import_command();
Command image_refresh_command();

}  // namespace cella::cli
