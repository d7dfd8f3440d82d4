// Words of a command line: names with their remote, key=value pairs.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cella::cli {

// "c1" and "local:c1" are "c1". Errors: kUnsupported for another remote, naming it.
Result<std::string> local_name(std::string_view word);
// The same, and an empty name is kInvalid: "Missing NOUN name".
Result<std::string> required_name(std::string_view word, std::string_view noun);
// True for "local:" and words of that form: a remote without a name.
bool is_remote(std::string_view word);

using KeyValue = std::pair<std::string, std::string>;

// "key=value" in each word; the value may hold "=". Errors: kInvalid naming a word without "=" or without a key.
Result<std::vector<KeyValue>> key_values(std::span<const std::string> words);
// The same, or the old form of exactly two words, KEY VALUE. A value of "-" is read from standard input.
Result<std::vector<KeyValue>> key_values_or_pair(std::span<const std::string> words);

// "a,b" ↔ {"a", "b"}; empty parts are dropped.
std::vector<std::string> split_names(std::string_view text);
std::string join_names(const std::vector<std::string>& names);

// Standard input to its end; empty when it is a terminal.
Result<std::string> piped_input();

}  // namespace cella::cli
