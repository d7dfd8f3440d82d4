#include <algorithm>

#include "cli/image_name.h"
#include "cli/image_verbs.h"
#include "cli/object.h"
#include "cli/quantity.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

std::string alias_url(const std::string& name) { return url({"images", "aliases", name}); }

Result<int> create(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "alias"));
  const api::AliasCreate alias{.description = {}, .target = arguments.word(1), .name = name, .type = {}};
  TRY(server.change("POST", "/1.0/images/aliases", api::encode(alias)));
  return 0;
}

Result<int> remove(Server& server, const Arguments& arguments) {
  TRY(server.change("DELETE", alias_url(TRY(required_name(arguments.word(0), "alias")))));
  return 0;
}

Result<int> rename(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "alias"));
  const std::string new_name = TRY(required_name(arguments.word(1), "alias"));
  TRY(server.change("POST", alias_url(name), api::encode(api::Rename{.name = new_name})));
  return 0;
}

bool matches(const api::Alias& alias, const std::vector<std::string>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const std::string& filter) {
    return filter.empty() || alias.name.find(filter) != std::string::npos || alias.target.starts_with(filter);
  });
}

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  std::vector<std::string> filters = arguments.words;
  if (!filters.empty()) filters[0] = TRY(local_name(filters[0]));
  auto aliases = TRY(server.list<api::Alias>("/1.0/images/aliases?recursion=1"));
  std::erase_if(aliases, [&](const api::Alias& alias) { return !matches(alias, filters); });
  Table table{.headers = {"ALIAS", "FINGERPRINT", "TYPE", "DESCRIPTION"}, .rows = {}};
  for (const api::Alias& alias : aliases) {
    table.rows.push_back({alias.name, alias.target.substr(0, 12), upper_case(alias.type), alias.description});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, api::encode_list(aliases))).c_str(), stdout);
  return 0;
}

}  // namespace

Command image_alias_command() {
  Command command{.name = "alias", .summary = "Manage names of images"};
  command.children = {{.name = "create",
                       .usage = "<alias> <fingerprint>",
                       .summary = "Give an image a name",
                       .min_words = 2,
                       .max_words = 2,
                       .completes = {Names::kNothing, Names::kImage},
                       .run = create},
                      {.name = "delete",
                       .aliases = {"rm"},
                       .usage = "<alias>",
                       .summary = "Remove a name",
                       .min_words = 1,
                       .max_words = 1,
                       .completes = {Names::kImage},
                       .run = remove},
                      {.name = "list",
                       .aliases = {"ls"},
                       .usage = "[<filter>...]",
                       .summary = "List names of images",
                       .flags = {list_format_flag()},
                       .max_words = kAnyNumber,
                       .run = list},
                      {.name = "rename",
                       .aliases = {"mv"},
                       .usage = "<alias> <new-name>",
                       .summary = "Change a name",
                       .min_words = 2,
                       .max_words = 2,
                       .completes = {Names::kImage, Names::kNothing},
                       .run = rename}};
  return command;
}

}  // namespace cella::cli
