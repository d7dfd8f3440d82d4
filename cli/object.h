// The verbs that every object with a name and a `config` map shares: show, get, set, unset, edit, rename, delete.
#pragma once

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "api/profile.h"
#include "api/values.h"
#include "cli/command.h"
#include "cli/editor.h"
#include "cli/server.h"
#include "cli/words.h"
#include "cli/yaml.h"

namespace cella::cli {

struct ObjectKind {
  std::string_view noun;        // "profile", as in messages
  std::string_view collection;  // "profiles", as in URLs
  std::string_view word;        // "<profile>", as in usage lines
  Names completes;
  std::string_view edit_comment = {};  // lines that start with "#"
};

// The YAML of metadata, as Whole has its members; its users sorted.
template <typename Whole>
Result<std::string> yaml_as(std::string_view metadata) {
  Whole whole = TRY(api::decode<Whole>(metadata));
  if constexpr (requires { whole.used_by; }) std::sort(whole.used_by.begin(), whole.used_by.end());
  return yaml_of_json(api::encode(whole));
}

// Errors: kInvalid naming a top-level member of json that `model` (JSON of the whole object) does not have.
Result<void> refuse_unknown_members(std::string_view json, std::string_view model);

// The JSON of Put from YAML that may also hold the read-only members of Whole.
template <typename Whole, typename Put>
Result<std::string> put_of_yaml(const std::string& yaml) {
  const std::string json = TRY(json_of_yaml(yaml));
  TRY(refuse_unknown_members(json, api::encode(Whole{})));
  return api::encode(TRY(api::decode<Put>(json)));
}

// Fetches the writable part, lets `edit` change it, sends it back guarded by its ETag.
template <typename Put>
Result<api::Operation> update(Server& server, const std::string& target,
                              const std::function<Result<void>(Put&)>& edit) {
  std::string etag;
  Put put = TRY(server.get<Put>(target, &etag));
  TRY(edit(put));
  return server.change("PUT", target, api::encode(put), etag);
}

// Errors: kInvalid when the key is not there.
Result<void> remove_key(api::ConfigMap& config, const std::string& key);

template <typename Whole>
Command show_command(const ObjectKind& kind, std::string_view summary) {
  return {.name = "show",
          .usage = kind.word,
          .summary = summary,
          .min_words = 1,
          .max_words = 1,
          .completes = {kind.completes},
          .run = [kind](Server& server, const Arguments& arguments) -> Result<int> {
            const std::string name = TRY(required_name(arguments.word(0), kind.noun));
            const api::Answer answer = TRY(server.call("GET", url({kind.collection, name})));
            std::fputs(TRY(yaml_as<Whole>(answer.response.metadata.text)).c_str(), stdout);
            return 0;
          }};
}

template <typename Put>
Command get_command(const ObjectKind& kind, std::string_view usage, std::string_view summary) {
  return {.name = "get",
          .usage = usage,
          .summary = summary,
          .min_words = 2,
          .max_words = 2,
          .completes = {kind.completes, Names::kConfigKey},
          .run = [kind](Server& server, const Arguments& arguments) -> Result<int> {
            const std::string name = TRY(required_name(arguments.word(0), kind.noun));
            const Put put = TRY(server.get<Put>(url({kind.collection, name})));
            const auto found = put.config.find(arguments.word(1));
            std::printf("%s\n", found == put.config.end() ? "" : found->second.c_str());
            return 0;
          }};
}

template <typename Put>
Command set_command(const ObjectKind& kind, std::string_view usage, std::string_view summary) {
  return {.name = "set",
          .usage = usage,
          .summary = summary,
          .details = "A value of \"-\" is read from standard input. The old form with one KEY VALUE works too.",
          .min_words = 2,
          .max_words = kAnyNumber,
          .completes = {kind.completes, Names::kConfigKey},
          .run = [kind](Server& server, const Arguments& arguments) -> Result<int> {
            const std::string name = TRY(required_name(arguments.word(0), kind.noun));
            const auto pairs = TRY(key_values_or_pair(std::span(arguments.words).subspan(1)));
            TRY(update<Put>(server, url({kind.collection, name}), [&](Put& put) -> Result<void> {
              for (const auto& [key, value] : pairs) put.config[key] = value;
              return kOk;
            }));
            return 0;
          }};
}

template <typename Put>
Command unset_command(const ObjectKind& kind, std::string_view usage, std::string_view summary) {
  return {.name = "unset",
          .usage = usage,
          .summary = summary,
          .min_words = 2,
          .max_words = 2,
          .completes = {kind.completes, Names::kConfigKey},
          .run = [kind](Server& server, const Arguments& arguments) -> Result<int> {
            const std::string name = TRY(required_name(arguments.word(0), kind.noun));
            TRY(update<Put>(server, url({kind.collection, name}), [&](Put& put) -> Result<void> {
              put.config.erase(arguments.word(1));
              return kOk;
            }));
            return 0;
          }};
}

template <typename Whole, typename Put>
Result<void> edit_object(Server& server, const std::string& target, std::string_view comment,
                         std::string_view shown_metadata, const std::string& etag) {
  const std::string document = TRY(yaml_of_json(shown_metadata));
  return edit_document(std::string(comment), document, [&](const std::string& yaml) -> Result<void> {
    TRY(server.change("PUT", target, TRY((put_of_yaml<Whole, Put>(yaml))), etag));
    return kOk;
  });
}

template <typename Whole, typename Put>
Command edit_command(const ObjectKind& kind, std::string_view summary) {
  return {.name = "edit",
          .usage = kind.word,
          .summary = summary,
          .details = "Opens the object as YAML in $EDITOR. When standard input is no terminal, reads the YAML from it.",
          .min_words = 1,
          .max_words = 1,
          .completes = {kind.completes},
          .run = [kind](Server& server, const Arguments& arguments) -> Result<int> {
            const std::string target = url({kind.collection, TRY(required_name(arguments.word(0), kind.noun))});
            const api::Answer answer = TRY(server.call("GET", target));
            const std::string shown = api::encode(TRY(api::decode<Whole>(answer.response.metadata.text)));
            TRY((edit_object<Whole, Put>(server, target, kind.edit_comment, shown, answer.etag)));
            return 0;
          }};
}

// "Profile a renamed to b".
Command rename_command(const ObjectKind& kind, std::string_view usage, std::string_view summary);
// "Profile a deleted", one name.
Command delete_command(const ObjectKind& kind, std::string_view summary);

// Prints unless -q was given.
void say(const Server& server, const std::string& line);

}  // namespace cella::cli
