// An instance's console in this terminal.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "cli/server.h"

namespace cella::cli {

// Joins the terminal to the console until ctrl-a q or until the instance stops. The value is exit status 0.
Result<int> attach_console(Server& server, const std::string& instance);

// The same, while `work` runs beside it with a connection of its own (to watch a shutdown).
Result<int> attach_while(Server& server, const std::string& instance, const std::function<Result<void>(Server&)>& work);

}  // namespace cella::cli
