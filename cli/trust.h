// `config trust`.
#pragma once

#include "cli/command.h"

namespace cella::cli {

Command config_trust_command();

}  // namespace cella::cli
