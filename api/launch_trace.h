// GET /1.0/instances/NAME/trace (cella's own): how long each step of the latest start took, in order.
#pragma once

#include <cstdint>
#include <string>

namespace cella::api {

struct LaunchTraceStep {
  std::string step;
  std::int64_t ns = 0;
};

}  // namespace cella::api
