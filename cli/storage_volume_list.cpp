// storage volume list and info.
#include <algorithm>

#include "api/storage.h"
#include "api/storage_volume.h"
#include "cli/quantity.h"
#include "cli/storage_volume.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

struct Column {
  char letter;
  std::string_view header;
  std::function<std::string(Server&, const std::string& pool, const api::StorageVolume&)> cell;
};

bool is_snapshot(const api::StorageVolume& volume) { return volume.name.find('/') != std::string::npos; }

// Empty where the server cannot tell.
std::string usage_of(Server& server, const std::string& pool, const api::StorageVolume& volume) {
  if (is_snapshot(volume)) return {};
  const auto state = server.get<api::StorageVolumeState>(volume_target(pool, {volume.type, volume.name, {}}) + "/state");
  return state.ok() ? binary_size(static_cast<std::uint64_t>(state->usage.used)) : std::string();
}

const std::vector<Column>& columns() {
  static const std::vector<Column> all = {
      {'t', "TYPE",
       [](Server&, const std::string&, const auto& v) { return is_snapshot(v) ? v.type + " (snapshot)" : v.type; }},
      {'n', "NAME", [](Server&, const std::string&, const auto& v) { return v.name; }},
      {'d', "DESCRIPTION", [](Server&, const std::string&, const auto& v) { return v.description; }},
      {'c', "CONTENT-TYPE", [](Server&, const std::string&, const auto& v) { return v.content_type; }},
      {'u', "USED BY", [](Server&, const std::string&, const auto& v) { return std::to_string(v.used_by.size()); }},
      {'U', "USAGE", usage_of},
      {'e', "PROJECT", [](Server&, const std::string&, const auto& v) { return v.project; }},
      {'L', "LOCATION", [](Server&, const std::string&, const auto& v) { return v.location; }}};
  return all;
}

Result<std::vector<Column>> chosen_columns(const std::string& letters) {
  std::vector<Column> chosen;
  for (const char letter : letters) {
    if (letter == ',') continue;
    const auto found =
        std::find_if(columns().begin(), columns().end(), [&](const Column& column) { return column.letter == letter; });
    if (found == columns().end()) return invalid_value("--columns", letters, "unknown column '" + std::string(1, letter) + "'");
    chosen.push_back(*found);
  }
  return chosen;
}

// "type=custom" and "name=v1" as the server's filter; a bare word is a name or the start of one.
std::string filter_of(const std::vector<std::string>& words) {
  std::string filter;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) continue;
    filter += (filter.empty() ? "" : " and ") + word.substr(0, equals) + " eq " + word.substr(equals + 1);
  }
  return filter;
}

bool name_fits(const std::vector<std::string>& words, const std::string& name) {
  bool any = false;
  for (const std::string& word : words) {
    if (word.find('=') != std::string::npos) continue;
    if (name.starts_with(word)) return true;
    any = true;
  }
  return !any;
}

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const std::string pool = TRY(pool_word(arguments));
  const bool everywhere = arguments.on("all-projects");
  const auto chosen = TRY(chosen_columns(arguments.text("columns", everywhere ? "etndcu" : "tndcu")));
  const std::vector<std::string> filters(arguments.words.begin() + 1, arguments.words.end());
  std::string target = url({"storage-pools", pool, "volumes"}) + "?recursion=1";
  if (everywhere) target += "&all-projects=true";
  if (const std::string filter = filter_of(filters); !filter.empty())
    target += "&filter=" + api::percent_encode(filter);
  const api::Answer answer = TRY(server.call("GET", target));
  Table table;
  for (const Column& column : chosen) table.headers.emplace_back(column.header);
  for (const auto& volume : TRY(api::decode_list<api::StorageVolume>(answer.response.metadata.text))) {
    if (!name_fits(filters, volume.name)) continue;
    std::vector<std::string> row;
    for (const Column& column : chosen) row.push_back(column.cell(server, pool, volume));
    table.rows.push_back(std::move(row));
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('/') + 1); }

Result<void> print_snapshots(Server& server, const std::string& target) {
  Table table{.headers = {"NAME", "DESCRIPTION", "EXPIRES AT"}, .rows = {}};
  for (const auto& snapshot : TRY(server.list<api::StorageVolumeSnapshot>(target + "/snapshots?recursion=1")))
    table.rows.push_back({last_part(snapshot.name), snapshot.description, short_time(snapshot.expires_at)});
  if (!table.rows.empty()) std::printf("\nSnapshots:\n%s", framed_table(table).c_str());
  return kOk;
}

Result<void> print_backups(Server& server, const std::string& target) {
  Table table{.headers = {"NAME", "TAKEN AT", "EXPIRES AT", "VOLUME ONLY", "OPTIMIZED STORAGE"}, .rows = {}};
  for (const auto& backup : TRY(server.list<api::StorageVolumeBackup>(target + "/backups?recursion=1")))
    table.rows.push_back({last_part(backup.name), short_time(backup.created_at), short_time(backup.expires_at),
                          backup.volume_only ? "YES" : "NO", backup.optimized_storage ? "YES" : "NO"});
  if (!table.rows.empty()) std::printf("\nBackups:\n%s", framed_table(table).c_str());
  return kOk;
}

Result<int> info(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName name = TRY(volume_name(arguments.word(1)));
  const std::string target = volume_target(pool, name);
  const auto volume = TRY(server.get<api::StorageVolume>(target));
  std::printf("Name: %s\n", volume.name.c_str());
  if (!volume.description.empty()) std::printf("Description: %s\n", volume.description.c_str());
  std::printf("Type: %s\nContent type: %s\n", volume.type.c_str(), volume.content_type.c_str());
  if (const auto state = server.get<api::StorageVolumeState>(target + "/state"); state.ok()) {
    std::printf("Usage: %s\n", binary_size(static_cast<std::uint64_t>(state->usage.used)).c_str());
    if (state->usage.total > 0)
      std::printf("Total: %s\n", binary_size(static_cast<std::uint64_t>(state->usage.total)).c_str());
  }
  if (is_time_set(volume.created_at)) std::printf("Created: %s\n", short_time(volume.created_at).c_str());
  TRY(print_snapshots(server, target));
  if (volume.type == "custom") TRY(print_backups(server, target));
  return 0;
}

}  // namespace

Command volume_list_command() {
  return {.name = "list",
          .aliases = {"ls"},
          .usage = "<pool> [<filter>...]",
          .summary = "List the volumes of a pool",
          .details = "A filter is the start of a name, or KEY=VALUE of a member of the volume.\n"
                     "Columns: t type, n name, d description, c content type, u used by, U usage, e project, L location.",
          .flags = {{.name = "all-projects", .help = "Of all projects"},
                    {.letter = 'c', .name = "columns", .value = "columns", .help = "Columns, by letter"},
                    list_format_flag()},
          .min_words = 1,
          .max_words = kAnyNumber,
          .completes = {Names::kPool, Names::kNothing},
          .run = list};
}

Command volume_info_command() {
  return {.name = "info",
          .usage = "<pool> [<type>/]<volume>",
          .summary = "Show a volume's use, snapshots and backups",
          .min_words = 2,
          .max_words = 2,
          .completes = {Names::kPool, Names::kNothing},
          .run = info};
}

}  // namespace cella::cli
