#include <cstdio>

#include "api/response.h"
#include "cli/commands.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

bool is_json(const api::HttpAnswer& answer) { return answer.header("Content-Type").starts_with("application/json"); }

Result<std::string> body_of(const Arguments& arguments) {
  const std::string data = arguments.text("data");
  if (data == "-") return piped_input();
  return data;
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

// Prints what an envelope carries; nothing for an empty payload.
Result<void> print_metadata(const std::string& text) {
  if (text.empty() || text == "null" || text == "{}") return kOk;
  print(TRY(pretty_json(text)));
  return kOk;
}

Result<int> run(Server& server, const Arguments& arguments) {
  std::string path = TRY(local_name(arguments.word(0)));
  if (!path.starts_with('/')) return invalid_value("path", path, "must start with /");
  if (arguments.has("raw") && arguments.on("wait")) {
    return Error(ErrorKind::kInvalid, "--raw and --wait cannot be used together");
  }
  api::Client* client = TRY(server.client());
  const api::HttpAnswer answer = TRY(client->raw(
      {.method = arguments.text("request", "GET"), .target = path, .body = TRY(body_of(arguments)), .headers = {}}));
  if (!is_json(answer)) {
    print(answer.body);
    return answer.status >= 400 ? 1 : 0;
  }
  if (arguments.on("raw")) {
    print(TRY(pretty_json(answer.body)));
    return answer.status >= 400 ? 1 : 0;
  }
  const auto response = TRY(api::decode<api::Response>(answer.body));
  if (response.type == "error") return Error(api::error_kind_of(answer.status), response.error);
  if (response.type == "async" && arguments.on("wait")) {
    const api::HttpAnswer done =
        TRY(client->raw({.method = "GET", .target = response.operation + "/wait", .body = {}, .headers = {}}));
    const auto waited = TRY(api::decode<api::Response>(done.body));
    if (waited.type == "error") return Error(api::error_kind_of(done.status), waited.error);
    TRY(print_metadata(waited.metadata.text));
    const auto operation = TRY(api::decode<api::Operation>(waited.metadata.text));
    return operation.err.empty() ? Result<int>(0) : Error(ErrorKind::kIo, operation.err);
  }
  TRY(print_metadata(response.metadata.text));
  return 0;
}

}  // namespace

Command query_command() {
  return {.name = "query",
          .usage = "<API path>",
          .summary = "Send one request to the API",
          .details = "Prints the answer's payload as JSON.",
          .examples =
              "cella query /1.0/instances\n"
              "cella query -X DELETE --wait /1.0/instances/c1\n"
              "cella query -X PUT -d '{\"action\": \"start\"}' /1.0/instances/c1/state",
          .flags = {{.letter = 'd', .name = "data", .value = "json", .help = "Body; \"-\" reads standard input"},
                    {.name = "raw", .help = "Print the whole envelope"},
                    {.letter = 'X', .name = "request", .value = "method", .help = "Method", .fallback = "GET"},
                    {.name = "wait", .help = "Wait for the operation it starts"}},
          .min_words = 1,
          .max_words = 1,
          .run = run};
}

}  // namespace cella::cli
