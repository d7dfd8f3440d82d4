// Asking for a secret.
#pragma once

#include <string>

#include "base/result.h"

namespace cella::cli {

// One line from standard input; a terminal does not show it. Errors: kCancelled at the end of input.
Result<std::string> ask_password(const std::string& prompt);

}  // namespace cella::cli
