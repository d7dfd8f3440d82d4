#include "cli/info_trace.h"

#include <boost/json.hpp>
#include <cstdio>

#include "cli/table.h"

namespace cella::cli {
namespace {

namespace json = boost::json;

std::string milliseconds(std::int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3fms", static_cast<double>(ns) / 1e6);
  return text;
}

}  // namespace

Result<std::string> trace_text(std::string_view text) {
  boost::system::error_code code;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), code);
  if (code || !value.is_array()) return Error(ErrorKind::kInvalid, "the server's launch trace is no JSON array");
  Table table{.headers = {"STEP", "TIME", "SUM"}, .rows = {}};
  std::int64_t sum = 0;
  for (const json::value& item : value.get_array()) {
    if (!item.is_object()) continue;
    const json::value* step = item.get_object().if_contains("step");
    const json::value* ns = item.get_object().if_contains("ns");
    if (step == nullptr || ns == nullptr || !step->is_string()) {
      return Error(ErrorKind::kInvalid, "the server's launch trace lacks a step's name or time");
    }
    const auto took = ns->to_number<std::int64_t>(code);
    sum += took;
    table.rows.push_back({std::string(step->get_string()), milliseconds(took), milliseconds(sum)});
  }
  return framed_table(table);
}

Result<std::string> launch_trace(Server& server, const std::string& instance) {
  TRY(server.call("GET", url({"instances", instance})));
  const auto answer = server.call("GET", url({"instances", instance, "trace"}));
  if (!answer.ok() && answer.error().kind() == ErrorKind::kNotFound) {
    return Error(ErrorKind::kUnsupported, "The server keeps no launch trace of \"" + instance + "\"");
  }
  if (!answer.ok()) return answer.error();
  return trace_text(answer->response.metadata.text);
}

}  // namespace cella::cli
