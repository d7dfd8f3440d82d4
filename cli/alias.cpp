// alias: commands of the user's own.
#include "api/values.h"
#include "cli/alias_words.h"
#include "cli/commands.h"
#include "cli/object.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

Error absent(const std::string& name) { return Error(ErrorKind::kNotFound, "Alias " + name + " doesn't exist"); }
Error present(const std::string& name) { return Error(ErrorKind::kExists, "Alias " + name + " already exists"); }

Result<int> add(Server& server, const Arguments& arguments) {
  Remotes* const remotes = TRY(server.remotes());
  auto& aliases = remotes->file().aliases;
  if (aliases.contains(arguments.word(0))) return present(arguments.word(0));
  TRY(split_quoted(arguments.word(1)));
  aliases[arguments.word(0)] = arguments.word(1);
  TRY(remotes->save());
  return 0;
}

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const auto& aliases = TRY(server.remotes())->file().aliases;
  Table table{.headers = {"ALIAS", "TARGET"}, .rows = {}};
  for (const auto& [name, target] : aliases) table.rows.push_back({name, target});
  sort_rows(table);
  std::string json;
  for (const auto& [name, target] : aliases) {
    json.append(json.empty() ? "{" : ",").append(api::quote(name)).append(":").append(api::quote(target));
  }
  json += json.empty() ? "{}" : "}";
  std::fputs(TRY(render_list(format, table, json)).c_str(), stdout);
  return 0;
}

Result<int> remove(Server& server, const Arguments& arguments) {
  Remotes* const remotes = TRY(server.remotes());
  if (remotes->file().aliases.erase(arguments.word(0)) == 0) return absent(arguments.word(0));
  TRY(remotes->save());
  return 0;
}

Result<int> rename(Server& server, const Arguments& arguments) {
  Remotes* const remotes = TRY(server.remotes());
  auto& aliases = remotes->file().aliases;
  const auto found = aliases.find(arguments.word(0));
  if (found == aliases.end()) return absent(arguments.word(0));
  if (aliases.contains(arguments.word(1))) return present(arguments.word(1));
  aliases[arguments.word(1)] = found->second;
  aliases.erase(found);
  TRY(remotes->save());
  return 0;
}

}  // namespace

Command alias_command() {
  Command command{.name = "alias",
                  .summary = "Manage commands of your own",
                  .details =
                      "An alias stands for the words it was given; the words after it follow them. @ARGS@ in it\n"
                      "stands for all words that follow, @ARG1@ for the first one and so on. Quotes keep blanks.\n"
                      "\"shell\" is built in: exec @ARGS@ -- su -l"};
  command.children = {
      {.name = "add",
       .usage = "<alias> <target>",
       .summary = "Add an alias",
       .examples = "cella alias add list \"list -c ns46S\"\n"
                   "    The command \"list\" always shows these columns.\n"
                   "cella alias add login \"exec @ARGS@ --user 1000 -- bash -l\"",
       .min_words = 2,
       .max_words = 2,
       .run = add,
       .own_remotes = true},
      {.name = "list", .aliases = {"ls"}, .summary = "List aliases", .flags = {list_format_flag()}, .run = list},
      {.name = "remove",
       .aliases = {"rm"},
       .usage = "<alias>",
       .summary = "Remove an alias",
       .min_words = 1,
       .max_words = 1,
       .completes = {Names::kAlias},
       .run = remove,
       .own_remotes = true},
      {.name = "rename",
       .aliases = {"mv"},
       .usage = "<alias> <new-name>",
       .summary = "Rename an alias",
       .min_words = 2,
       .max_words = 2,
       .completes = {Names::kAlias, Names::kNothing},
       .run = rename,
       .own_remotes = true}};
  return command;
}

}  // namespace cella::cli
