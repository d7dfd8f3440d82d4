#include "api/storage.h"

#include "cli/commands.h"
#include "cli/object.h"
#include "cli/quantity.h"
#include "cli/storage_volume.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

const ObjectKind kKind{.noun = "storage pool",
                       .collection = "storage-pools",
                       .word = "<pool>",
                       .completes = Names::kPool,
                       .edit_comment =
                           "### This is the storage pool as YAML. Lines that start with \"#\" are ignored.\n"
                           "### Only config and description can be changed here."};

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  TRY(local_name(arguments.word(0)));
  const api::Answer answer = TRY(server.call("GET", "/1.0/storage-pools?recursion=1"));
  Table table{.headers = {"NAME", "DRIVER", "SOURCE", "DESCRIPTION", "USED BY", "STATE"}, .rows = {}};
  for (const auto& pool : TRY(api::decode_list<api::StoragePool>(answer.response.metadata.text))) {
    const auto source = pool.config.find("source");
    table.rows.push_back({pool.name, pool.driver, source == pool.config.end() ? std::string() : source->second,
                          pool.description, std::to_string(pool.used_by.size()), upper_case(pool.status)});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

Result<int> create(Server& server, const Arguments& arguments) {
  api::StoragePoolCreate pool;
  if (const std::string yaml = TRY(piped_input()); yaml.find_first_not_of(" \t\r\n") != std::string::npos) {
    const auto put =
        TRY(api::decode<api::StoragePoolPut>(TRY((put_of_yaml<api::StoragePool, api::StoragePoolPut>(yaml)))));
    pool.config = put.config;
    pool.description = put.description;
  }
  pool.name = TRY(required_name(arguments.word(0), "storage pool"));
  pool.driver = arguments.word(1);
  for (const auto& [key, value] : TRY(key_values(std::span(arguments.words).subspan(2)))) pool.config[key] = value;
  TRY(server.change("POST", "/1.0/storage-pools", api::encode(pool), {}, "Creating storage pool " + pool.name));
  say(server, "Storage pool " + pool.name + " created");
  return 0;
}

// "/1.0/instances/c1?project=x" → "instances", "c1".
std::pair<std::string, std::string> user_of(const std::string& user) {
  const std::string path = user.substr(0, user.find('?'));
  const std::size_t last = path.rfind('/');
  const std::size_t before = last == std::string::npos || last == 0 ? std::string::npos : path.rfind('/', last - 1);
  if (before == std::string::npos) return {"other", user};
  return {path.substr(before + 1, last - before - 1), path.substr(last + 1)};
}

Result<int> info(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "storage pool"));
  const auto pool = TRY(server.get<api::StoragePool>(url({"storage-pools", name})));
  const auto resources = TRY(server.get<api::StoragePoolResources>(url({"storage-pools", name, "resources"})));
  const auto size = [&](std::int64_t bytes) {
    return arguments.on("bytes") ? "\"" + std::to_string(bytes) + "\"" : binary_size(static_cast<std::uint64_t>(bytes));
  };
  const std::string description = pool.description.empty() ? "\"\"" : pool.description;
  std::printf("info:\n  description: %s\n  driver: %s\n  name: %s\n  space used: %s\n  total space: %s\n",
              description.c_str(), pool.driver.c_str(), pool.name.c_str(), size(resources.space.used).c_str(),
              size(resources.space.total).c_str());
  std::map<std::string, std::vector<std::string>> users;
  for (const std::string& user : pool.used_by) {
    const auto [kind, named] = user_of(user);
    users[kind].push_back(named);
  }
  std::printf("used by:%s\n", users.empty() ? " {}" : "");
  for (const auto& [kind, names] : users) {
    std::printf("  %s:\n", kind.c_str());
    for (const std::string& used : names) std::printf("  - %s\n", used.c_str());
  }
  return 0;
}

Result<int> show(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "storage pool"));
  const api::Answer answer = TRY(server.call(
      "GET", arguments.on("resources") ? url({"storage-pools", name, "resources"}) : url({"storage-pools", name})));
  const std::string text = answer.response.metadata.text;
  const std::string yaml =
      arguments.on("resources") ? TRY(yaml_as<api::StoragePoolResources>(text)) : TRY(yaml_as<api::StoragePool>(text));
  std::fputs(yaml.c_str(), stdout);
  return 0;
}

}  // namespace

Command storage_command() {
  Command command{.name = "storage", .summary = "Manage storage pools and volumes"};
  auto& verbs = command.children;
  verbs.push_back({.name = "create",
                   .usage = "<pool> <driver> [key=value...]",
                   .summary = "Create a storage pool",
                   .details = "Drivers: overlay, btrfs, dir. The pool's YAML may come on standard input.",
                   .examples = "cella storage create fast overlay\n"
                               "cella storage create quota btrfs size=20GiB",
                   .min_words = 2,
                   .max_words = kAnyNumber,
                   .run = create});
  verbs.push_back(delete_command(kKind, "Delete a storage pool"));
  verbs.push_back(edit_command<api::StoragePool, api::StoragePoolPut>(kKind, "Edit a storage pool as YAML"));
  verbs.push_back(get_command<api::StoragePoolPut>(kKind, "<pool> <key>", "Show one key of a storage pool"));
  verbs.push_back({.name = "info",
                   .usage = "<pool>",
                   .summary = "Show a storage pool's space and users",
                   .flags = {{.name = "bytes", .help = "Sizes in bytes"}},
                   .min_words = 1,
                   .max_words = 1,
                   .completes = {Names::kPool},
                   .run = info});
  verbs.push_back({.name = "list",
                   .aliases = {"ls"},
                   .usage = "[<remote>:]",
                   .summary = "List storage pools",
                   .flags = {list_format_flag()},
                   .max_words = 1,
                   .run = list});
  verbs.push_back(set_command<api::StoragePoolPut>(kKind, "<pool> <key>=<value>...", "Set keys of a storage pool"));
  verbs.push_back({.name = "show",
                   .usage = "<pool>",
                   .summary = "Show a storage pool",
                   .flags = {{.name = "resources", .help = "Its space instead"}},
                   .min_words = 1,
                   .max_words = 1,
                   .completes = {Names::kPool},
                   .run = show});
  verbs.push_back(unset_command<api::StoragePoolPut>(kKind, "<pool> <key>", "Remove one key of a storage pool"));
  verbs.push_back(storage_volume_command());
  return command;
}

}  // namespace cella::cli
