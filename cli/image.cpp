// image list, info, show, edit, delete, *-property; the transfers and aliases have files of their own.
#include "api/image.h"

#include <algorithm>

#include "cli/commands.h"
#include "cli/image_columns.h"
#include "cli/image_name.h"
#include "cli/image_verbs.h"
#include "cli/object.h"
#include "cli/quantity.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

constexpr std::string_view kComment =
    "### These are the image's properties as YAML. Lines that start with \"#\" are ignored.";

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const auto columns = TRY(parse_image_columns(arguments.text("columns", kDefaultImageColumns)));
  std::vector<std::string> filters = arguments.words;
  if (!filters.empty() && filters[0].find('=') == std::string::npos) filters[0] = TRY(local_name(filters[0]));
  auto images = TRY(server.list<api::Image>("/1.0/images?recursion=1"));
  std::erase_if(images, [&](const api::Image& image) { return !matches_image_filters(image, filters); });
  Table table;
  for (const ImageColumn& column : columns) table.headers.push_back(column.header);
  for (const api::Image& image : images) {
    std::vector<std::string> row;
    for (const ImageColumn& column : columns) row.push_back(column.cell(image));
    table.rows.push_back(std::move(row));
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, api::encode_list(images))).c_str(), stdout);
  return 0;
}

std::string time_or(std::string_view time, const char* otherwise) {
  return is_time_set(time) ? short_time(time) : std::string(otherwise);
}

void print_lists(const api::Image& image) {
  std::printf("Properties:\n");
  for (const auto& [key, value] : image.properties) std::printf("    %s: %s\n", key.c_str(), value.c_str());
  std::printf("Aliases:\n");
  for (const auto& alias : image.aliases) {
    std::printf("    - %s%s\n", alias.name.c_str(),
                alias.description.empty() ? "" : (" (" + alias.description + ")").c_str());
  }
  std::printf("Cached: %s\nAuto update: %s\nProfiles:%s\n", image.cached ? "yes" : "no",
              image.auto_update ? "enabled" : "disabled", image.profiles.empty() ? " []" : "");
  for (const std::string& profile : image.profiles) std::printf("    - %s\n", profile.c_str());
}

Result<int> info(Server& server, const Arguments& arguments) {
  const api::Image image = TRY(image_named(server, arguments.word(0)));
  std::printf("Fingerprint: %s\nSize: %s\nArchitecture: %s\nType: %s\nPublic: %s\nTimestamps:\n",
              image.fingerprint.c_str(), image_size(image.size).c_str(), image.architecture.c_str(), image.type.c_str(),
              image.is_public ? "yes" : "no");
  if (is_time_set(image.created_at)) std::printf("    Created: %s\n", short_time(image.created_at).c_str());
  std::printf("    Uploaded: %s\n    Expires: %s\n    Last used: %s\n", short_time(image.uploaded_at).c_str(),
              time_or(image.expires_at, "never").c_str(), time_or(image.last_used_at, "never").c_str());
  print_lists(image);
  return 0;
}

Result<std::string> writable(const api::Image& image) {
  return api::encode(TRY(api::decode<api::ImagePut>(api::encode(image))));
}

Result<int> show(Server& server, const Arguments& arguments) {
  const api::Image image = TRY(image_named(server, arguments.word(0)));
  std::fputs(TRY(yaml_of_json(TRY(writable(image)))).c_str(), stdout);
  return 0;
}

Result<int> edit(Server& server, const Arguments& arguments) {
  const api::Image image = TRY(image_named(server, arguments.word(0)));
  const std::string target = url({"images", image.fingerprint});
  TRY((edit_object<api::Image, api::ImagePut>(server, target, kComment, TRY(writable(image)), {})));
  return 0;
}

Result<int> remove(Server& server, const Arguments& arguments) {
  std::vector<std::string> fingerprints;
  for (const std::string& word : arguments.words) fingerprints.push_back(TRY(image_named(server, word)).fingerprint);
  for (const std::string& fingerprint : fingerprints) {
    TRY(server.change("DELETE", url({"images", fingerprint}), {}, {}, "Deleting image"));
  }
  return 0;
}

Result<int> get_property(Server& server, const Arguments& arguments) {
  const api::Image image = TRY(image_named(server, arguments.word(0)));
  const auto found = image.properties.find(arguments.word(1));
  if (found == image.properties.end()) return Error(ErrorKind::kNotFound, "Property not found");
  std::printf("%s\n", found->second.c_str());
  return 0;
}

Result<int> change_property(Server& server, const Arguments& arguments,
                            const std::function<Result<void>(api::ConfigMap&)>& change) {
  const api::Image image = TRY(image_named(server, arguments.word(0)));
  TRY(update<api::ImagePut>(server, url({"images", image.fingerprint}),
                            [&](api::ImagePut& put) { return change(put.properties); }));
  return 0;
}

Result<int> set_property(Server& server, const Arguments& arguments) {
  return change_property(server, arguments, [&](api::ConfigMap& properties) -> Result<void> {
    properties[arguments.word(1)] = arguments.word(2);
    return kOk;
  });
}

Result<int> unset_property(Server& server, const Arguments& arguments) {
  return change_property(server, arguments, [&](api::ConfigMap& properties) -> Result<void> {
    properties.erase(arguments.word(1));
    return kOk;
  });
}

Command on_image(std::string_view name, std::string_view usage, std::string_view summary, std::size_t words,
                 Result<int> (*run)(Server&, const Arguments&)) {
  return {.name = name,
          .usage = usage,
          .summary = summary,
          .min_words = words,
          .max_words = words,
          .completes = {Names::kImage, Names::kNothing},
          .run = run};
}

Command list_images_command() {
  return {.name = "list",
          .aliases = {"ls"},
          .usage = "[<filter>...]",
          .summary = "List images",
          .details =
              "Filters are part of an alias or fingerprint, or key=value for a property.\n"
              "Columns (-c): l shortest alias, L all aliases, f fingerprint, F whole fingerprint, p public,\n"
              "d description, a architecture, t type, s size, u upload date.",
          .flags = {{.letter = 'c', .name = "columns", .value = "columns", .help = "Columns", .fallback = "lfpdatsu"},
                    list_format_flag()},
          .max_words = kAnyNumber,
          .completes = {Names::kImage},
          .run = list};
}

}  // namespace

Command image_command() {
  Command command{.name = "image", .summary = "Manage images"};
  command.details = "Images are named by an alias, a fingerprint, or the beginning of a fingerprint.";
  auto& verbs = command.children;
  verbs.push_back(image_alias_command());
  verbs.push_back(image_copy_command());
  verbs.push_back({.name = "delete",
                   .aliases = {"rm"},
                   .usage = "<image> [<image>...]",
                   .summary = "Delete images",
                   .min_words = 1,
                   .max_words = kAnyNumber,
                   .completes = {Names::kImage},
                   .run = remove});
  verbs.push_back(on_image("edit", "<image>", "Edit an image's properties as YAML", 1, edit));
  verbs.push_back(image_export_command());
  verbs.push_back(on_image("get-property", "<image> <key>", "Show one property", 2, get_property));
  verbs.push_back(image_import_command());
  verbs.push_back(on_image("info", "<image>", "Show an image in words", 1, info));
  verbs.push_back(list_images_command());
  verbs.push_back(image_refresh_command());
  verbs.push_back(on_image("set-property", "<image> <key> <value>", "Set one property", 3, set_property));
  verbs.push_back(on_image("show", "<image>", "Show an image's properties as YAML", 1, show));
  verbs.push_back(on_image("unset-property", "<image> <key>", "Remove one property", 2, unset_property));
  return command;
}

}  // namespace cella::cli
