#include "api/launch_trace.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<LaunchTraceStep> {
  static void visit(auto& v, auto& x) {
    v("step", x.step);
    v("ns", x.ns);
  }
};

CELLA_API_CODEC(LaunchTraceStep)

}  // namespace cella::api
