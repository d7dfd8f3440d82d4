#include "cli/words.h"

#include <unistd.h>

#include "base/fd.h"
#include "base/files.h"

namespace cella::cli {
namespace {

Result<std::string> value_or_input(std::string value) {
  if (value != "-") return value;
  Fd input(STDIN_FILENO);
  Result<std::string> text = read_to_end(input);
  input.release();  // standard input stays open: it is the process's, not ours
  return text;
}

}  // namespace

Result<std::string> local_name(std::string_view word) {
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos) return std::string(word);
  const std::string_view remote = word.substr(0, colon);
  if (remote == "local") return std::string(word.substr(colon + 1));
  return Error(ErrorKind::kUnsupported, "The remote \"" + std::string(remote) +
                                            "\" doesn't exist: only \"local:\" is known, the daemon of this machine");
}

Result<std::string> required_name(std::string_view word, std::string_view noun) {
  std::string name = TRY(local_name(word));
  if (name.empty()) return Error(ErrorKind::kInvalid, "Missing " + std::string(noun) + " name");
  return name;
}

bool is_remote(std::string_view word) { return !word.empty() && word.back() == ':'; }

Result<std::vector<KeyValue>> key_values(std::span<const std::string> words) {
  std::vector<KeyValue> pairs;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error(ErrorKind::kInvalid, "Bad key/value pair: \"" + word + "\" (write key=value)");
    }
    pairs.emplace_back(word.substr(0, equals), TRY(value_or_input(word.substr(equals + 1))));
  }
  return pairs;
}

Result<std::vector<KeyValue>> key_values_or_pair(std::span<const std::string> words) {
  if (words.size() == 2 && words[0].find('=') == std::string::npos) {
    return std::vector<KeyValue>{{words[0], TRY(value_or_input(words[1]))}};
  }
  return key_values(words);
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (comma != 0) names.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return names;
}

std::string join_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out.append(out.empty() ? "" : ",").append(name);
  return out;
}

Result<std::string> piped_input() {
  return isatty(STDIN_FILENO) == 1 ? Result<std::string>(std::string()) : value_or_input("-");
}

}  // namespace cella::cli
