#include "cli/image_columns.h"

#include <algorithm>
#include <optional>

#include "cli/quantity.h"
#include "cli/words.h"

namespace cella::cli {
namespace {

constexpr std::size_t kShortFingerprint = 12;

// "debian/12 (2 more)".
std::string shortest_alias(const api::Image& image) {
  if (image.aliases.empty()) return {};
  const auto shortest = std::min_element(image.aliases.begin(), image.aliases.end(),
                                         [](const auto& a, const auto& b) { return a.name.size() < b.name.size(); });
  if (image.aliases.size() == 1) return shortest->name;
  return shortest->name + " (" + std::to_string(image.aliases.size() - 1) + " more)";
}

std::string all_aliases(const api::Image& image) {
  std::string out;
  for (const auto& alias : image.aliases) out.append(out.empty() ? "" : "\n").append(alias.name);
  return out;
}

std::string property(const api::Image& image, const std::string& key) {
  const auto found = image.properties.find(key);
  return found == image.properties.end() ? std::string() : found->second;
}

std::optional<ImageColumn> shorthand(char letter) {
  using I = const api::Image&;
  switch (letter) {
    case 'l':
      return ImageColumn{"ALIAS", shortest_alias};
    case 'L':
      return ImageColumn{"ALIASES", all_aliases};
    case 'f':
      return ImageColumn{"FINGERPRINT", [](I i) { return i.fingerprint.substr(0, kShortFingerprint); }};
    case 'F':
      return ImageColumn{"FINGERPRINT", [](I i) { return i.fingerprint; }};
    case 'p':
      return ImageColumn{"PUBLIC", [](I i) { return std::string(i.is_public ? "yes" : "no"); }};
    case 'd':
      return ImageColumn{"DESCRIPTION", [](I i) { return property(i, "description"); }};
    case 'a':
      return ImageColumn{"ARCHITECTURE", [](I i) { return i.architecture; }};
    case 't':
      return ImageColumn{"TYPE", [](I i) { return upper_case(i.type); }};
    case 's':
      return ImageColumn{"SIZE", [](I i) { return image_size(i.size); }};
    case 'u':
      return ImageColumn{"UPLOAD DATE", [](I i) { return long_time(i.uploaded_at); }};
    default:
      return std::nullopt;
  }
}

bool matches(const api::Image& image, const std::string& filter) {
  const std::size_t equals = filter.find('=');
  if (equals != std::string::npos) {
    const std::string key = filter.substr(0, equals);
    const std::string value = filter.substr(equals + 1);
    if (key == "type") return image.type == value;
    if (key == "architecture") return image.architecture == value || property(image, key) == value;
    if (key == "public") return (image.is_public ? "true" : "false") == value;
    if (key == "fingerprint") return image.fingerprint.starts_with(value);
    return property(image, key) == value;
  }
  return image.fingerprint.starts_with(filter) ||
         std::any_of(image.aliases.begin(), image.aliases.end(),
                     [&](const auto& alias) { return alias.name.find(filter) != std::string::npos; });
}

}  // namespace

Result<std::vector<ImageColumn>> parse_image_columns(std::string_view text) {
  std::vector<ImageColumn> columns;
  for (const std::string& part : split_names(text)) {
    for (const char letter : part) {
      std::optional<ImageColumn> column = shorthand(letter);
      if (!column) {
        return Error(ErrorKind::kInvalid,
                     std::string("Unknown column shorthand char '") + letter + "' in '" + part + "'");
      }
      columns.push_back(*std::move(column));
    }
  }
  if (columns.empty()) return invalid_value("--columns", text, "name at least one column");
  return columns;
}

bool matches_image_filters(const api::Image& image, std::span<const std::string> filters) {
  return std::all_of(filters.begin(), filters.end(),
                     [&](const std::string& filter) { return filter.empty() || matches(image, filter); });
}

}  // namespace cella::cli
