#include "cli/storage_volume.h"

#include "api/storage.h"
#include "cli/object.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const std::string pool = TRY(required_name(arguments.word(0), "storage pool"));
  const api::Answer answer = TRY(server.call("GET", url({"storage-pools", pool, "volumes"}) + "?recursion=1"));
  Table table{.headers = {"TYPE", "NAME", "DESCRIPTION", "CONTENT-TYPE", "USED BY"}, .rows = {}};
  for (const auto& volume : TRY(api::decode_list<api::StorageVolume>(answer.response.metadata.text))) {
    const bool snapshot = volume.name.find('/') != std::string::npos;
    table.rows.push_back({snapshot ? volume.type + " (snapshot)" : volume.type, volume.name, volume.description,
                          volume.content_type, std::to_string(volume.used_by.size())});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

// "container/c1", or "v1" for a custom volume.
Result<int> show(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(required_name(arguments.word(0), "storage pool"));
  const std::string word = arguments.word(1);
  const std::size_t slash = word.find('/');
  const std::string type = slash == std::string::npos ? "custom" : word.substr(0, slash);
  const std::string name = slash == std::string::npos ? word : word.substr(slash + 1);
  const api::Answer answer = TRY(server.call("GET", url({"storage-pools", pool, "volumes", type, name})));
  std::fputs(TRY(yaml_as<api::StorageVolume>(answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

}  // namespace

Command storage_volume_command() {
  Command command{.name = "volume", .summary = "Look at storage volumes"};
  command.children = {{.name = "list",
                       .aliases = {"ls"},
                       .usage = "<pool>",
                       .summary = "List the volumes of a pool",
                       .flags = {list_format_flag()},
                       .min_words = 1,
                       .max_words = 1,
                       .completes = {Names::kPool},
                       .run = list},
                      {.name = "show",
                       .usage = "<pool> [<type>/]<volume>",
                       .summary = "Show a volume",
                       .details = "Types are custom (when none is given), container and image.",
                       .examples = "cella storage volume show default container/c1",
                       .min_words = 2,
                       .max_words = 2,
                       .completes = {Names::kPool, Names::kNothing},
                       .run = show}};
  return command;
}

}  // namespace cella::cli
