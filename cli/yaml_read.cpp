#include <yaml-cpp/yaml.h>
#include <boost/json.hpp>
#include <charconv>

#include "cli/yaml.h"

namespace cella::cli {
namespace {

namespace json = boost::json;

constexpr int kMaxDepth = 32;

// Below these keys every scalar is text: `limits.cpu: 2` means "2".
bool holds_text(std::string_view key) {
  return key == "config" || key == "devices" || key == "properties" || key == "name" || key == "description" ||
         key == "target" || key == "pool" || key == "architecture";
}

// kText: the value of such a key itself; kTextBelow: further down, where null means empty text.
enum class Scalars { kTyped, kText, kTextBelow };

json::value plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  if (const auto [rest, code] = std::from_chars(text.data(), end, number); code == std::errc() && rest == end) {
    return number;
  }
  double real = 0;
  if (const auto [rest, code] = std::from_chars(text.data(), end, real); code == std::errc() && rest == end) {
    return real;
  }
  return json::value(json::string(text));
}

// yaml-cpp marks quoted scalars with the tag "!".
json::value scalar_value(const YAML::Node& node, Scalars scalars) {
  const std::string text = node.Scalar();
  if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return json::value(json::string(text));
  if (scalars == Scalars::kTyped) return plain_scalar(text);
  return json::value(json::string(text));
}

Error error_at(const YAML::Mark& mark, std::string_view message) {
  return Error(ErrorKind::kInvalid, "yaml: line " + std::to_string(mark.line + 1) + ", column " +
                                        std::to_string(mark.column + 1) + ": " + std::string(message));
}

Result<json::value> convert(const YAML::Node& node, Scalars scalars, int depth) {
  if (depth > kMaxDepth) return error_at(node.Mark(), "nested too deep");
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
      return json::value(nullptr);
    case YAML::NodeType::Null:
      return scalars == Scalars::kTextBelow ? json::value(json::string()) : json::value(nullptr);
    case YAML::NodeType::Scalar:
      return scalar_value(node, scalars);
    case YAML::NodeType::Sequence: {
      json::array items;
      for (const YAML::Node& item : node) items.push_back(TRY(convert(item, scalars, depth + 1)));
      return json::value(std::move(items));
    }
    case YAML::NodeType::Map: {
      json::object object;
      for (const auto& member : node) {
        if (!member.first.IsScalar()) return error_at(member.first.Mark(), "a key must be text");
        const std::string key = member.first.Scalar();
        if (object.contains(key)) return error_at(member.first.Mark(), "key \"" + key + "\" stands here twice");
        const Scalars inner = scalars != Scalars::kTyped ? Scalars::kTextBelow
                              : holds_text(key)          ? Scalars::kText
                                                         : Scalars::kTyped;
        object.emplace(key, TRY(convert(member.second, inner, depth + 1)));
      }
      return json::value(std::move(object));
    }
  }
  return error_at(node.Mark(), "unknown node");
}

}  // namespace

Result<std::string> json_of_yaml(std::string_view text) {
  try {
    const YAML::Node node = YAML::Load(std::string(text));
    json::value value = TRY(convert(node, Scalars::kTyped, 0));
    if (value.is_null()) return std::string("{}");
    return json::serialize(value);
  } catch (const YAML::ParserException& error) {
    return error_at(error.mark, error.msg);
  } catch (const YAML::Exception& error) {
    return Error(ErrorKind::kInvalid, std::string("yaml: ") + error.what());
  }
}

}  // namespace cella::cli
