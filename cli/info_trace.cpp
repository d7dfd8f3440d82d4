#include "cli/info_trace.h"

#include <cstdio>

#include "api/launch_trace.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

std::string milliseconds(std::int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3fms", static_cast<double>(ns) / 1e6);
  return text;
}

}  // namespace

Result<std::string> trace_text(std::string_view json) {
  Table table{.headers = {"STEP", "TIME", "SUM"}, .rows = {}};
  std::int64_t sum = 0;
  for (const auto& step : TRY(api::decode_list<api::LaunchTraceStep>(json))) {
    // "launch: NAME" is a part of "launch", which is in the sum already.
    if (step.step.find(": ") == std::string::npos) sum += step.ns;
    table.rows.push_back({step.step, milliseconds(step.ns), milliseconds(sum)});
  }
  return framed_table(table);
}

Result<std::string> launch_trace(Server& server, const std::string& instance) {
  const api::Answer answer = TRY(server.call("GET", url({"instances", instance, "trace"})));
  return trace_text(answer.response.metadata.text);
}

}  // namespace cella::cli
