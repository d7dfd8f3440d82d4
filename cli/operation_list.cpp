// operation list, show, delete.
#include "api/operation.h"

#include "cli/commands.h"
#include "cli/object.h"
#include "cli/quantity.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  TRY(local_name(arguments.word(0)));
  const api::Answer answer = TRY(server.call("GET", "/1.0/operations?recursion=1"));
  std::vector<api::Operation> operations;
  for (auto& [status, some] : TRY(api::decode<api::OperationsByStatus>(answer.response.metadata.text))) {
    for (api::Operation& operation : some) operations.push_back(std::move(operation));
  }
  Table table{.headers = {"ID", "TYPE", "DESCRIPTION", "STATUS", "CANCELABLE", "CREATED"}, .rows = {}};
  for (const api::Operation& operation : operations) {
    table.rows.push_back({operation.id, upper_case(operation.op_class), operation.description,
                          upper_case(operation.status), operation.may_cancel ? "YES" : "NO",
                          short_time(operation.created_at)});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, api::encode_list(operations))).c_str(), stdout);
  return 0;
}

Result<int> show(Server& server, const Arguments& arguments) {
  const std::string id = TRY(required_name(arguments.word(0), "operation"));
  const api::Answer answer = TRY(server.call("GET", url({"operations", id})));
  std::fputs(TRY(yaml_of_json(answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

Result<int> cancel(Server& server, const Arguments& arguments) {
  const std::string id = TRY(required_name(arguments.word(0), "operation"));
  TRY(server.call("DELETE", url({"operations", id})));
  say(server, "Operation " + id + " deleted");
  return 0;
}

}  // namespace

Command operation_command() {
  Command command{.name = "operation", .summary = "List, show and cancel running operations"};
  command.children = {{.name = "delete",
                       .aliases = {"cancel", "rm"},
                       .usage = "<operation>",
                       .summary = "Cancel an operation",
                       .min_words = 1,
                       .max_words = 1,
                       .completes = {Names::kOperation},
                       .run = cancel},
                      {.name = "list",
                       .aliases = {"ls"},
                       .usage = "[<remote>:]",
                       .summary = "List operations",
                       .flags = {list_format_flag()},
                       .max_words = 1,
                       .run = list},
                      {.name = "show",
                       .usage = "<operation>",
                       .summary = "Show an operation",
                       .min_words = 1,
                       .max_words = 1,
                       .completes = {Names::kOperation},
                       .run = show}};
  return command;
}

}  // namespace cella::cli
