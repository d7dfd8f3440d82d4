#include "cli/alias_words.h"

#include <algorithm>

#include "base/units.h"

namespace cella::cli {
namespace {

constexpr std::string_view kBlanks = " \t\n";

struct Match {
  std::string name;
  std::string text;
  std::size_t words = 0;
};

std::size_t count_words(std::string_view name) {
  return static_cast<std::size_t>(std::count(name.begin(), name.end(), ' ')) + 1;
}

bool begins_with(std::span<const std::string> words, std::string_view name) {
  for (const std::string& word : words) {
    if (!name.starts_with(word)) return false;
    name.remove_prefix(word.size());
    if (name.empty()) return true;
    if (name.front() != ' ') return false;
    name.remove_prefix(1);
  }
  return false;
}

std::optional<Match> find(const std::map<std::string, std::string>& aliases, std::span<const std::string> words) {
  std::optional<Match> best;
  for (const auto& [name, text] : aliases) {
    const std::size_t count = count_words(name);
    if (begins_with(words, name) && (!best || count > best->words)) best = Match{name, text, count};
  }
  return best;
}

// "@ARG2@" → 1; nullopt for any other word.
std::optional<std::size_t> argument_index(std::string_view word) {
  if (!word.starts_with("@ARG") || !word.ends_with("@") || word.size() < 6) return std::nullopt;
  const auto number = parse_unsigned("alias", word.substr(4, word.size() - 5));
  if (!number.ok() || *number == 0) return std::nullopt;
  return static_cast<std::size_t>(*number) - 1;
}

Result<std::vector<std::string>> substitute(const Match& alias, std::span<const std::string> rest) {
  std::vector<std::string> words;
  std::vector<bool> used(rest.size(), false);
  for (const std::string& word : TRY_CONTEXT("alias " + alias.name, split_quoted(alias.text))) {
    if (word == "@ARGS@") {
      words.insert(words.end(), rest.begin(), rest.end());
      std::fill(used.begin(), used.end(), true);
    } else if (const auto index = argument_index(word)) {
      if (*index >= rest.size()) return invalid_value("alias", alias.name, "wants a word for " + word);
      words.push_back(rest[*index]);
      used[*index] = true;
    } else {
      words.push_back(word);
    }
  }
  if (words.empty()) return invalid_value("alias", alias.name, "stands for nothing");
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (!used[i]) words.push_back(rest[i]);
  }
  return words;
}

}  // namespace

Result<std::vector<std::string>> split_quoted(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && kBlanks.find(c) != std::string_view::npos) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      words.back().push_back(text[++i]);
    } else {
      words.back().push_back(c);
    }
  }
  if (quote != 0) return Error(ErrorKind::kInvalid, std::string("a ") + quote + " is never closed");
  return words;
}

Result<std::optional<std::vector<std::string>>> expand_alias(const std::map<std::string, std::string>& aliases,
                                                             std::span<const std::string> words) {
  static const std::map<std::string, std::string> kBuiltIn{{"shell", "exec @ARGS@ -- su -l"}};
  const auto first = std::find_if(words.begin(), words.end(), [](const auto& word) { return !word.starts_with('-'); });
  const auto flags = static_cast<std::size_t>(first - words.begin());
  const std::span<const std::string> plain = words.subspan(flags);
  std::optional<Match> alias = find(aliases, plain);
  if (!alias) alias = find(kBuiltIn, plain);
  if (!alias) return std::optional<std::vector<std::string>>();
  std::vector<std::string> expanded = TRY(substitute(*alias, plain.subspan(alias->words)));
  expanded.insert(expanded.begin(), words.begin(), first);
  return std::optional(std::move(expanded));
}

}  // namespace cella::cli
