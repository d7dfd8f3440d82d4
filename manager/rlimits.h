// limits.kernel.NAME: process limits as LXD writes them.
#pragma once

#include <string_view>

#include "base/result.h"
#include "runtime/plan.h"

namespace cella::manager {

// key: "limits.kernel.nofile". value: "SOFT:HARD" or one number for both; a number or "unlimited".
// Errors: kInvalid naming key and value: an unknown limit, no number, soft over hard.
Result<runtime::ResourceLimit> parse_rlimit(std::string_view key, std::string_view value);

}  // namespace cella::manager
