#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/list_columns.h"
#include "cli/list_filters.h"
#include "cli/object.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

Result<std::vector<Column>> chosen_columns(const Arguments& arguments) {
  if (arguments.on("fast") && arguments.has("columns")) {
    return Error(ErrorKind::kInvalid, "Can't specify --fast with --columns");
  }
  std::string text = arguments.text("columns", arguments.on("fast") ? kFastColumns : kDefaultColumns);
  if (arguments.on("all-projects") && !arguments.has("columns")) text.insert(0, "e");
  return parse_columns(text);
}

// Filters on addresses need the state as much as a column does.
bool needs_state(const std::vector<Column>& columns, const std::vector<std::string>& filters, ListFormat format,
                 const Arguments& arguments) {
  const bool structured = format == ListFormat::kJson || format == ListFormat::kYaml;
  if (structured) return !arguments.on("fast");
  return std::any_of(columns.begin(), columns.end(), [](const Column& column) { return column.needs_state; }) ||
         std::any_of(filters.begin(), filters.end(), [](const std::string& filter) {
           return filter.starts_with("ipv4=") || filter.starts_with("ipv6=");
         });
}

Table table_of(const std::vector<Column>& columns, const std::vector<api::InstanceFull>& instances) {
  Table table;
  for (const Column& column : columns) table.headers.push_back(column.header);
  for (const api::InstanceFull& instance : instances) {
    std::vector<std::string> row;
    for (const Column& column : columns) row.push_back(column.cell(instance));
    table.rows.push_back(std::move(row));
  }
  sort_rows(table);
  return table;
}

Result<int> run(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const std::vector<Column> columns = TRY(chosen_columns(arguments));
  std::vector<std::string> filters = arguments.words;
  if (!filters.empty() && filters[0].find('=') == std::string::npos && filters[0].find(':') != std::string::npos) {
    filters[0] = TRY(local_name(filters[0]));
    if (filters[0].empty()) filters.erase(filters.begin());
  }
  std::string target = "/1.0/instances?recursion=";
  target += needs_state(columns, filters, format, arguments) ? "2" : "1";
  if (arguments.on("all-projects")) target += "&all-projects=true";
  auto instances = TRY(server.list<api::InstanceFull>(target));
  std::erase_if(instances, [&](const api::InstanceFull& instance) { return !matches_filters(instance, filters); });
  const bool structured = format == ListFormat::kJson || format == ListFormat::kYaml;
  const std::string text = structured ? api::encode_list(instances) : std::string();
  std::fputs(TRY(render_list(format, table_of(columns, instances), text)).c_str(), stdout);
  return 0;
}

}  // namespace

Command list_command() {
  return {.name = "list",
          .aliases = {"ls"},
          .usage = "[<filter>...]",
          .summary = "List instances",
          .details =
              "Filters, all of which must hold:\n"
              "  web            names that start with it, or match it as a regular expression\n"
              "  status=running also type, architecture, location, ipv4 and ipv6 (address or CIDR);\n"
              "                 several values with commas\n"
              "  user.blah=abc  a configuration key; its parts may be shortened (u.blah)\n"
              "\n"
              "Columns (-c), letters without or with commas:\n"
              "  4 IPv4 addresses    D disk usage         m memory usage      s state\n"
              "  6 IPv6 addresses    e project            M memory usage (%)  S number of snapshots\n"
              "  a architecture      f base image, short  n name              t type\n"
              "  b storage pool      F base image         N processes         u CPU usage (seconds)\n"
              "  c creation time     l last used          p pid of its init   L location\n"
              "  d description                            P profiles\n"
              "  [config:|devices:]key[:name][:width]     a key of its configuration or devices",
          .examples =
              "cella list -c ns4,limits.memory:LIMIT\n"
              "cella list status=running -f csv -c n\n"
              "cella list -c n,devices:eth0.network:NET,image.os",
          .flags = {{.name = "all-projects", .help = "Instances of every project"},
                    {.letter = 'c', .name = "columns", .value = "columns", .help = "Columns", .fallback = "ns46tS"},
                    {.name = "fast", .help = "Only what is quick to know (columns nsacPt)"},
                    list_format_flag()},
          .max_words = kAnyNumber,
          .completes = {Names::kInstance},
          .run = run};
}

}  // namespace cella::cli
