// What `info --resources` prints.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::cli {

// metadata: JSON of GET /1.0/resources. Errors: kInvalid when it is no JSON object.
Result<std::string> resources_text(std::string_view metadata);

}  // namespace cella::cli
