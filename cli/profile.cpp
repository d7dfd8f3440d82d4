#include "api/profile.h"

#include "api/instance.h"
#include "cli/commands.h"
#include "cli/device.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

const ObjectKind kKind{.noun = "profile",
                       .collection = "profiles",
                       .word = "<profile>",
                       .completes = Names::kProfile,
                       .edit_comment =
                           "### This is the profile as YAML. Lines that start with \"#\" are ignored.\n"
                           "### config: keys for instances; devices: devices they get. The name and used_by cannot be "
                           "changed here."};

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  TRY(local_name(arguments.word(0)));
  const api::Answer answer = TRY(server.call("GET", "/1.0/profiles?recursion=1"));
  Table table{.headers = {"NAME", "DESCRIPTION", "USED BY"}, .rows = {}};
  for (const auto& profile : TRY(api::decode_list<api::Profile>(answer.response.metadata.text))) {
    table.rows.push_back({profile.name, profile.description, std::to_string(profile.used_by.size())});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

// The profile is empty unless its YAML comes on standard input.
Result<int> create(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "profile"));
  api::ProfilePut put;
  if (const std::string yaml = TRY(piped_input()); !yaml.empty()) {
    put = TRY(api::decode<api::ProfilePut>(TRY((put_of_yaml<api::Profile, api::ProfilePut>(yaml)))));
  }
  const api::ProfileCreate profile{
      .config = put.config, .description = put.description, .devices = put.devices, .name = name};
  TRY(server.change("POST", "/1.0/profiles", api::encode(profile)));
  say(server, "Profile " + name + " created");
  return 0;
}

Result<int> copy(Server& server, const Arguments& arguments) {
  const std::string from = TRY(required_name(arguments.word(0), "profile"));
  const std::string to = TRY(required_name(arguments.word(1), "profile"));
  const auto source = TRY(server.get<api::Profile>(url({"profiles", from})));
  const api::ProfileCreate profile{
      .config = source.config, .description = source.description, .devices = source.devices, .name = to};
  const std::string project = arguments.text("target-project");
  TRY(server.change("POST", project.empty() ? "/1.0/profiles" : "/1.0/profiles?project=" + api::percent_encode(project),
                    api::encode(profile)));
  return 0;
}

Result<void> change_profiles(Server& server, const std::string& instance,
                             const std::function<Result<void>(std::vector<std::string>&)>& change) {
  TRY(update<api::InstancePut>(server, url({"instances", instance}),
                               [&](api::InstancePut& put) { return change(put.profiles); }));
  return kOk;
}

Result<int> add(Server& server, const Arguments& arguments) {
  const std::string instance = TRY(required_name(arguments.word(0), "instance"));
  TRY(change_profiles(server, instance, [&](std::vector<std::string>& profiles) -> Result<void> {
    profiles.push_back(arguments.word(1));
    return kOk;
  }));
  say(server, "Profile " + arguments.word(1) + " added to " + instance);
  return 0;
}

Result<int> assign(Server& server, const Arguments& arguments) {
  const std::string instance = TRY(required_name(arguments.word(0), "instance"));
  const std::vector<std::string> wanted = split_names(arguments.word(1));
  TRY(change_profiles(server, instance, [&](std::vector<std::string>& profiles) -> Result<void> {
    profiles = wanted;
    return kOk;
  }));
  say(server, "Profiles " + (wanted.empty() ? std::string("(none)") : join_names(wanted)) + " applied to " + instance);
  return 0;
}

Result<int> remove(Server& server, const Arguments& arguments) {
  const std::string instance = TRY(required_name(arguments.word(0), "instance"));
  const std::string name = arguments.word(1);
  TRY(change_profiles(server, instance, [&](std::vector<std::string>& profiles) -> Result<void> {
    if (std::erase(profiles, name) > 0) return kOk;
    return Error(ErrorKind::kNotFound, "Profile " + name + " isn't currently applied to " + instance);
  }));
  say(server, "Profile " + name + " removed from " + instance);
  return 0;
}

Command on_instance(std::string_view name, std::string_view usage, std::string_view summary,
                    Result<int> (*run)(Server&, const Arguments&)) {
  return {.name = name,
          .usage = usage,
          .summary = summary,
          .min_words = 2,
          .max_words = 2,
          .completes = {Names::kInstance, Names::kProfile},
          .run = run};
}

}  // namespace

Command profile_command() {
  Command command{.name = "profile", .summary = "Manage profiles"};
  auto& verbs = command.children;
  verbs.push_back(on_instance("add", "<instance> <profile>", "Add a profile to an instance", add));
  verbs.push_back(
      on_instance("assign", "<instance> <profile>[,<profile>...]", "Replace an instance's profiles", assign));
  verbs.back().aliases = {"apply"};
  verbs.back().examples =
      "cella profile assign c1 default,web\n    Exactly these two, in this order.\n"
      "cella profile assign c1 ''\n    None at all.";
  verbs.push_back({.name = "copy",
                   .aliases = {"cp"},
                   .usage = "<profile> <profile>",
                   .summary = "Copy a profile",
                   .flags = {{.name = "target-project", .value = "project", .help = "Put it into another project"}},
                   .min_words = 2,
                   .max_words = 2,
                   .completes = {Names::kProfile, Names::kNothing},
                   .run = copy});
  verbs.push_back({.name = "create",
                   .usage = "<profile>",
                   .summary = "Create a profile",
                   .details = "Its YAML may come on standard input.",
                   .examples = "cella profile create web < web.yaml",
                   .min_words = 1,
                   .max_words = 1,
                   .run = create});
  verbs.push_back(delete_command(kKind, "Delete a profile"));
  verbs.push_back(profile_device_command());
  verbs.push_back(edit_command<api::Profile, api::ProfilePut>(kKind, "Edit a profile as YAML"));
  verbs.push_back(get_command<api::ProfilePut>(kKind, "<profile> <key>", "Show one key of a profile"));
  verbs.push_back({.name = "list",
                   .aliases = {"ls"},
                   .usage = "[<remote>:]",
                   .summary = "List profiles",
                   .flags = {list_format_flag()},
                   .max_words = 1,
                   .run = list});
  verbs.push_back(on_instance("remove", "<instance> <profile>", "Remove a profile from an instance", remove));
  verbs.push_back(rename_command(kKind, "<profile> <new-name>", "Rename a profile"));
  verbs.push_back(set_command<api::ProfilePut>(kKind, "<profile> <key>=<value>...", "Set keys of a profile"));
  verbs.push_back(show_command<api::Profile>(kKind, "Show a profile"));
  verbs.push_back(unset_command<api::ProfilePut>(kKind, "<profile> <key>", "Remove one key of a profile"));
  return command;
}

}  // namespace cella::cli
