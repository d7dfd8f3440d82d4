#include "cli/object.h"

#include <boost/json.hpp>

#include "cli/quantity.h"

namespace cella::cli {
namespace json = boost::json;

void say(const Server& server, const std::string& line) {
  if (!server.globals().quiet) std::printf("%s\n", line.c_str());
}

Result<void> refuse_unknown_members(std::string_view text, std::string_view model) {
  boost::system::error_code code;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), code);
  const json::value known = json::parse(json::string_view(model.data(), model.size()), code);
  if (!value.is_object()) return Error(ErrorKind::kInvalid, "The document must be keys and values");
  if (!known.is_object()) return Error(ErrorKind::kInternal, "model of a document is no object");
  for (const auto& [key, member] : value.get_object()) {
    if (!known.get_object().contains(key)) {
      return Error(ErrorKind::kInvalid, "Unknown key \"" + std::string(key) + "\" in the document");
    }
  }
  return kOk;
}

Result<void> remove_key(api::ConfigMap& config, const std::string& key) {
  if (config.erase(key) > 0) return kOk;
  return Error(ErrorKind::kInvalid, "Can't unset key '" + key + "', it's not currently set");
}

Command rename_command(const ObjectKind& kind, std::string_view usage, std::string_view summary) {
  return {.name = "rename",
          .aliases = {"mv"},
          .usage = usage,
          .summary = summary,
          .min_words = 2,
          .max_words = 2,
          .completes = {kind.completes, Names::kNothing},
          .run = [kind](Server& server, const Arguments& arguments) -> Result<int> {
            const std::string name = TRY(required_name(arguments.word(0), kind.noun));
            const std::string new_name = TRY(required_name(arguments.word(1), kind.noun));
            TRY(server.change("POST", url({kind.collection, name}), api::encode(api::Rename{.name = new_name})));
            say(server, capitalised(kind.noun) + " " + name + " renamed to " + new_name);
            return 0;
          }};
}

Command delete_command(const ObjectKind& kind, std::string_view summary) {
  return {.name = "delete",
          .aliases = {"rm"},
          .usage = kind.word,
          .summary = summary,
          .min_words = 1,
          .max_words = 1,
          .completes = {kind.completes},
          .run = [kind](Server& server, const Arguments& arguments) -> Result<int> {
            const std::string name = TRY(required_name(arguments.word(0), kind.noun));
            TRY(server.change("DELETE", url({kind.collection, name})));
            say(server, capitalised(kind.noun) + " " + name + " deleted");
            return 0;
          }};
}

}  // namespace cella::cli
