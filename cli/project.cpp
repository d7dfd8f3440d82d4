#include "api/project.h"

#include "cli/commands.h"
#include "cli/object.h"
#include "cli/quantity.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

const ObjectKind kKind{.noun = "project",
                       .collection = "projects",
                       .word = "[<remote>:]<project>",
                       .completes = Names::kProject,
                       .edit_comment =
                           "### This is the project as YAML. Lines that start with \"#\" are ignored.\n"
                           "### config: features.*, limits.* and restricted.*. The name and used_by cannot be changed "
                           "here."};

Result<void> switch_to(Server& server, const std::string& project) {
  Remotes& remotes = *TRY(server.remotes());
  remotes.file().remotes[TRY(server.remote_name())].project = project == "default" ? "" : project;
  return remotes.save();
}

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const std::string current = TRY(server.project());
  const api::Answer answer = TRY(server.call("GET", "/1.0/projects?recursion=1"));
  Table table{.headers = {"NAME", "IMAGES", "PROFILES", "STORAGE VOLUMES", "NETWORKS", "DESCRIPTION", "USED BY"},
              .rows = {}};
  for (const auto& project : TRY(api::decode_list<api::Project>(answer.response.metadata.text))) {
    const auto feature = [&](const char* key) {
      const auto found = project.config.find(key);
      return std::string(found != project.config.end() && found->second == "true" ? "YES" : "NO");
    };
    table.rows.push_back({project.name == current ? project.name + " (current)" : project.name,
                          feature("features.images"), feature("features.profiles"), feature("features.storage.volumes"),
                          feature("features.networks"), project.description, std::to_string(project.used_by.size())});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

Result<int> create(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "project"));
  api::ProjectCreate project{.config = {}, .description = "", .name = name};
  for (const auto& [key, value] : TRY(key_values(arguments.all("config")))) project.config[key] = value;
  TRY(server.change("POST", "/1.0/projects", api::encode(project)));
  say(server, "Project " + name + " created");
  return 0;
}

// Whoever works in the project goes back to the default one.
Result<int> remove(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "project"));
  TRY(server.change("DELETE", url({"projects", name}), {}));
  say(server, "Project " + name + " deleted");
  if (server.globals().project.empty() && TRY(server.project()) == name) TRY(switch_to(server, "default"));
  return 0;
}

Result<int> set_current(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "project"));
  TRY(server.get<api::Project>(url({"projects", name})));
  TRY(switch_to(server, name));
  return 0;
}

std::string shown(const std::string& resource, std::int64_t amount) {
  const bool bytes = resource == "memory" || resource == "disk";
  return bytes ? binary_size(static_cast<std::uint64_t>(amount)) : std::to_string(amount);
}

Result<int> info(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const std::string name = TRY(required_name(arguments.word(0), "project"));
  const api::Answer answer = TRY(server.call("GET", url({"projects", name, "state"})));
  const auto state = TRY(api::decode<api::ProjectState>(answer.response.metadata.text));
  Table table{.headers = {"RESOURCE", "LIMIT", "USAGE"}, .rows = {}};
  for (const auto& [resource, use] : state.resources) {
    table.rows.push_back(
        {upper_case(resource), use.limit < 0 ? "UNLIMITED" : shown(resource, use.limit), shown(resource, use.usage)});
  }
  std::fputs(TRY(render_list(format, table, answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

Command verb(std::string_view name, std::string_view usage, std::string_view summary,
             Result<int> (*run)(Server&, const Arguments&)) {
  return {.name = name,
          .usage = usage,
          .summary = summary,
          .min_words = 1,
          .max_words = 1,
          .completes = {Names::kProject},
          .run = run};
}

}  // namespace

Command project_command() {
  Command command{.name = "project", .summary = "Manage projects"};
  command.details =
      "A project has instances, and unless its features say otherwise images, profiles and volumes, with names of\n"
      "their own. --project names the one to work in; \"project switch\" chooses it for all that follows.";
  auto& verbs = command.children;
  verbs.push_back(verb("create", "[<remote>:]<project>", "Create a project", create));
  verbs.back().examples = "cella project create web -c features.images=false -c limits.memory=8GiB";
  verbs.back().flags = {
      {.letter = 'c', .name = "config", .value = "key=value", .help = "Configuration of the new project"}};
  verbs.back().completes = {};
  verbs.push_back(verb("delete", "[<remote>:]<project>", "Delete an empty project", remove));
  verbs.back().aliases = {"rm"};
  verbs.push_back(edit_command<api::Project, api::ProjectPut>(kKind, "Edit a project as YAML"));
  verbs.push_back(get_command<api::ProjectPut>(kKind, "[<remote>:]<project> <key>", "Show one key of a project"));
  verbs.push_back(verb("info", "[<remote>:]<project>", "Show what a project uses and may use", info));
  verbs.back().flags = {list_format_flag()};
  verbs.push_back(verb("list", "[<remote>:]", "List projects", list));
  verbs.back().aliases = {"ls"};
  verbs.back().flags = {list_format_flag()};
  verbs.back().min_words = 0;
  verbs.back().completes = {};
  verbs.push_back(rename_command(kKind, "[<remote>:]<project> <new-name>", "Rename an empty project"));
  verbs.push_back(
      set_command<api::ProjectPut>(kKind, "[<remote>:]<project> <key>=<value>...", "Set keys of a project"));
  verbs.push_back(show_command<api::Project>(kKind, "Show a project"));
  verbs.push_back(verb("switch", "[<remote>:]<project>", "Choose the project to work in", set_current));
  verbs.push_back(unset_command<api::ProjectPut>(kKind, "[<remote>:]<project> <key>", "Remove one key of a project"));
  return command;
}

}  // namespace cella::cli
