#include "cgroups/lines.h"

#include <charconv>
#include <string>

namespace cella::cgroups {

namespace {

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  while ((start = text.find_first_not_of(separators, start)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(separators, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end;
  }
  return parts;
}

}  // namespace

std::vector<std::string_view> split_words(std::string_view text) { return split(text, " \t\n"); }
std::vector<std::string_view> split_lines(std::string_view text) { return split(text, "\n"); }

std::optional<std::uint64_t> find_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

Result<std::optional<std::uint64_t>> parse_number_or_max(std::string_view file, std::string_view text) {
  const auto words = split_words(text);
  if (words.size() == 1 && words[0] == "max") return std::optional<std::uint64_t>();
  if (words.size() == 1)
    if (const auto number = find_number(words[0])) return number;
  return Error(ErrorKind::kIo, "read " + std::string(file) + ": not a number: \"" + std::string(text) + "\"");
}

std::optional<std::uint64_t> find_flat(std::string_view text, std::string_view key) {
  for (const std::string_view line : split_lines(text)) {
    const auto words = split_words(line);
    if (words.size() == 2 && words[0] == key) return find_number(words[1]);
  }
  return std::nullopt;
}

std::uint64_t flat_or_zero(std::string_view text, std::string_view key) { return find_flat(text, key).value_or(0); }

std::optional<std::string_view> find_nested(std::string_view line, std::string_view key) {
  for (const std::string_view word : split_words(line))
    if (word.size() > key.size() && word.substr(0, key.size()) == key && word[key.size()] == '=')
      return word.substr(key.size() + 1);
  return std::nullopt;
}

}  // namespace cella::cgroups
