// config metadata and config template: what an instance keeps of its image's metadata.
#include <unistd.h>

#include <cstdio>

#include "api/image_metadata.h"
#include "cli/config_verbs.h"
#include "cli/object.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

constexpr std::string_view kMetadataComment =
    "### This is the metadata.yaml of the instance, as it came with its image.\n"
    "### Any line starting with a '#' will be ignored.";

Result<std::string> metadata_url(const Arguments& arguments) {
  return url({"instances", TRY(required_name(arguments.word(0), "instance")), "metadata"});
}

Result<std::string> templates_url(const Arguments& arguments) {
  return url({"instances", TRY(required_name(arguments.word(0), "instance")), "metadata", "templates"});
}

Result<std::string> template_url(const Arguments& arguments) {
  return TRY(templates_url(arguments)) + "?path=" + api::percent_encode(arguments.word(1));
}

Result<int> show_metadata(Server& server, const Arguments& arguments) {
  const auto metadata = TRY(server.get<api::ImageMetadata>(TRY(metadata_url(arguments))));
  std::fputs(TRY(yaml_of_json(api::encode(metadata))).c_str(), stdout);
  return 0;
}

Result<int> edit_metadata(Server& server, const Arguments& arguments) {
  const std::string target = TRY(metadata_url(arguments));
  std::string etag;
  const auto metadata = TRY(server.get<api::ImageMetadata>(target, &etag));
  TRY((edit_object<api::ImageMetadata, api::ImageMetadata>(server, target, kMetadataComment, api::encode(metadata),
                                                           etag)));
  return 0;
}

Result<int> list_templates(Server& server, const Arguments& arguments) {
  const api::Answer answer = TRY(server.call("GET", TRY(templates_url(arguments))));
  const auto format = TRY(parse_list_format(arguments.text("format", "table")));
  Table table{.headers = {"FILENAME"}, .rows = {}};
  for (const std::string& name : TRY(api::decode_strings(answer.response.metadata.text))) table.rows.push_back({name});
  std::fputs(TRY(render_list(format, table, answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

Result<std::string> template_text(Server& server, const Arguments& arguments) {
  const std::string target = TRY(template_url(arguments));
  api::Client* const client = TRY(server.client());
  const auto answer = TRY(client->raw({.method = "GET", .target = target, .body = {}, .headers = {}}));
  if (answer.status != 200) TRY(server.call("GET", target));
  return answer.body;
}

Result<void> store_template(Server& server, const Arguments& arguments, std::string text) {
  api::Client* const client = TRY(server.client());
  TRY(client->call({.method = "POST",
                    .target = TRY(template_url(arguments)),
                    .body = std::move(text),
                    .headers = {{"Content-Type", "application/octet-stream"}}}));
  return kOk;
}

Result<int> show_template(Server& server, const Arguments& arguments) {
  std::fputs(TRY(template_text(server, arguments)).c_str(), stdout);
  return 0;
}

Result<int> create_template(Server& server, const Arguments& arguments) {
  TRY(store_template(server, arguments, TRY(piped_input())));
  return 0;
}

Result<int> edit_template(Server& server, const Arguments& arguments) {
  const std::string present = TRY(template_text(server, arguments));
  const std::string changed = ::isatty(STDIN_FILENO) == 0 ? TRY(piped_input()) : TRY(edit_text(present));
  if (changed != present) TRY(store_template(server, arguments, changed));
  return 0;
}

Result<int> delete_template(Server& server, const Arguments& arguments) {
  TRY(server.call("DELETE", TRY(template_url(arguments))));
  return 0;
}

Command verb(std::string_view name, std::string_view summary, std::size_t words,
             std::function<Result<int>(Server&, const Arguments&)> run) {
  return {.name = name,
          .usage = words == 1 ? "<instance>" : "<instance> <template>",
          .summary = summary,
          .min_words = words,
          .max_words = words,
          .completes = {Names::kInstance, Names::kNothing},
          .run = std::move(run)};
}

}  // namespace

Command instance_metadata_command() {
  return {.name = "metadata",
          .summary = "Manage the image metadata of an instance",
          .children = {verb("edit", "Edit it as YAML", 1, edit_metadata), verb("show", "Show it", 1, show_metadata)}};
}

Command instance_template_command() {
  Command remove = verb("delete", "Delete a template", 2, delete_template);
  remove.aliases = {"rm"};
  Command list = verb("list", "List the templates", 1, list_templates);
  list.aliases = {"ls"};
  list.flags = {list_format_flag()};
  return {.name = "template",
          .summary = "Manage the file templates of an instance",
          .children = {verb("create", "Create a template; its text may come on standard input", 2, create_template),
                       std::move(remove), verb("edit", "Edit a template", 2, edit_template), std::move(list),
                       verb("show", "Show a template", 2, show_template)}};
}

}  // namespace cella::cli
