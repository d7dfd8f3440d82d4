// The flags of `exec` as a request.
#pragma once

#include "api/exec.h"
#include "base/result.h"
#include "cli/command.h"

namespace cella::cli {

struct Terminals {
  bool input = false;   // standard input is a terminal
  bool output = false;  // standard output is one
};

// The request without window size and TERM. words[0] is the instance, the rest the command.
// Errors: kInvalid for flags that contradict each other, a mode, user or group that is none.
Result<api::ExecRequest> exec_request(const Arguments& arguments, const Terminals& terminals);

}  // namespace cella::cli
