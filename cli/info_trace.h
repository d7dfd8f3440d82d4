// What `info NAME --trace` prints.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/server.h"

namespace cella::cli {

// The steps of the instance's last start with the time each took.
// Errors: kNotFound when there is no such instance, or when it has not been started since the server began.
Result<std::string> launch_trace(Server& server, const std::string& instance);

// json: [{"step": "clone", "ns": 400000}, …]. Errors: kInvalid for another shape.
Result<std::string> trace_text(std::string_view json);

}  // namespace cella::cli
