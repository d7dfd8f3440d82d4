// warning acknowledge, delete, list, show.
#include "api/warning.h"

#include "cli/commands.h"
#include "cli/object.h"
#include "cli/quantity.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

constexpr std::string_view kColumns = "utSscpl";

struct WarningColumn {
  std::string header;
  std::string (*cell)(const api::Warning& warning);
};

Result<WarningColumn> column(char letter) {
  using W = const api::Warning&;
  switch (letter) {
    case 'c':
      return WarningColumn{"COUNT", [](W w) { return std::to_string(w.count); }};
    case 'f':
      return WarningColumn{"FIRST SEEN", [](W w) { return short_time(w.first_seen_at); }};
    case 'l':
      return WarningColumn{"LAST SEEN", [](W w) { return short_time(w.last_seen_at); }};
    case 'L':
      return WarningColumn{"LOCATION", [](W w) { return w.location; }};
    case 'p':
      return WarningColumn{"PROJECT", [](W w) { return w.project; }};
    case 's':
      return WarningColumn{"SEVERITY", [](W w) { return upper_case(w.severity); }};
    case 'S':
      return WarningColumn{"STATUS", [](W w) { return upper_case(w.status); }};
    case 't':
      return WarningColumn{"TYPE", [](W w) { return w.type; }};
    case 'u':
      return WarningColumn{"UUID", [](W w) { return w.uuid; }};
    default:
      return invalid_value("--columns", std::string(1, letter), "use letters of cfLlpsStu");
  }
}

Result<std::vector<api::Warning>> fetch(Server& server) {
  return server.list<api::Warning>("/1.0/warnings?recursion=1");
}

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  TRY(local_name(arguments.word(0)));
  std::vector<api::Warning> warnings;
  for (api::Warning& warning : TRY(fetch(server))) {
    if (arguments.on("all") || warning.status == "new") warnings.push_back(std::move(warning));
  }
  const std::string columns = arguments.text("columns", kColumns);
  Table table;
  for (const char letter : columns) {
    if (letter != ',') table.headers.push_back(TRY(column(letter)).header);
  }
  for (const api::Warning& warning : warnings) {
    std::vector<std::string> row;
    for (const char letter : columns) {
      if (letter != ',') row.push_back(TRY(column(letter)).cell(warning));
    }
    table.rows.push_back(std::move(row));
  }
  std::fputs(TRY(render_list(format, table, api::encode_list(warnings))).c_str(), stdout);
  return 0;
}

Result<int> show(Server& server, const Arguments& arguments) {
  const std::string uuid = TRY(required_name(arguments.word(0), "warning"));
  const api::Answer answer = TRY(server.call("GET", url({"warnings", uuid})));
  std::fputs(TRY(yaml_of_json(answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

Result<int> acknowledge(Server& server, const Arguments& arguments) {
  const std::string uuid = TRY(required_name(arguments.word(0), "warning"));
  TRY(server.call("PUT", url({"warnings", uuid}), api::encode(api::WarningPut{"acknowledged"})));
  return 0;
}

Result<int> remove(Server& server, const Arguments& arguments) {
  if (arguments.on("all")) {
    if (!arguments.word(0).empty()) TRY(local_name(arguments.word(0)));
    for (const api::Warning& warning : TRY(fetch(server))) TRY(server.call("DELETE", url({"warnings", warning.uuid})));
    return 0;
  }
  const std::string uuid = TRY(required_name(arguments.word(0), "warning"));
  TRY(server.call("DELETE", url({"warnings", uuid})));
  return 0;
}

}  // namespace

Command warning_command() {
  Command command{.name = "warning", .summary = "See what is wrong with the host and its objects"};
  command.children = {{.name = "acknowledge",
                       .aliases = {"ack"},
                       .usage = "[<remote>:]<uuid>",
                       .summary = "Mark a warning as seen",
                       .min_words = 1,
                       .max_words = 1,
                       .run = acknowledge},
                      {.name = "delete",
                       .aliases = {"rm"},
                       .usage = "[<remote>:]<uuid>",
                       .summary = "Delete a warning",
                       .flags = {{.letter = 'a', .name = "all", .help = "Delete all of them"}},
                       .min_words = 1,
                       .max_words = 1,
                       .waives_words = "all",
                       .run = remove},
                      {.name = "list",
                       .aliases = {"ls"},
                       .usage = "[<remote>:]",
                       .summary = "List the warnings that nobody has seen yet",
                       .flags = {{.letter = 'a', .name = "all", .help = "Show acknowledged and resolved ones too"},
                                 {.letter = 'c',
                                  .name = "columns",
                                  .value = "columns",
                                  .help = "Which to show: cfLlpsStu for count, first and last seen, location, …",
                                  .fallback = kColumns},
                                 {.letter = 'f',
                                  .name = "format",
                                  .value = "format",
                                  .help = "csv, json, table, yaml or compact",
                                  .fallback = "table"}},
                       .max_words = 1,
                       .completes = {Names::kRemote},
                       .run = list},
                      {.name = "show",
                       .usage = "[<remote>:]<uuid>",
                       .summary = "Show one warning",
                       .min_words = 1,
                       .max_words = 1,
                       .run = show}};
  return command;
}

}  // namespace cella::cli
