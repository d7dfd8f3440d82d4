#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <map>

#include "cli/yaml.h"

namespace cella::cli {
namespace {

namespace json = boost::json;

bool looks_like_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return false;
  if (text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" || text == ".NAN") {
    return true;
  }
  if (text.starts_with("0x") || text.starts_with("0b") || text.starts_with("0o")) return true;
  // Digits with at most one point, one exponent, underscores, or base-60 colons ("12:30:45").
  bool digit_seen = false;
  std::size_t points = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (std::isdigit(static_cast<unsigned char>(c)) != 0)
      digit_seen = true;
    else if (c == '.')
      ++points;
    else if ((c == 'e' || c == 'E') && digit_seen && i + 1 < text.size())
      continue;
    else if ((c == '+' || c == '-') && i > 0 && (text[i - 1] == 'e' || text[i - 1] == 'E'))
      continue;
    else if (c == '_' && digit_seen)
      continue;
    else
      return false;
  }
  return digit_seen && points <= 1;
}

// "12:30" and "1:2:3" are numbers in base 60 for YAML 1.1 readers, unless a part is 60 or more.
bool looks_like_base_60(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) == 0) return false;
  bool colon = false;
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == ':') {
      colon = true;
      digits = 0;
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      ++digits;
      if (colon && digits > 2) return false;
    } else {
      return false;
    }
  }
  return colon && digits > 0;
}

bool is_reserved_word(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  static constexpr std::string_view kWords[] = {"",   "~",  "null", "true", "false", "yes",
                                                "no", "on", "off",  "y",    "n",     "<<"};
  return std::find(std::begin(kWords), std::end(kWords), lower) != std::end(kWords);
}

bool needs_escapes(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f; });
}

// Text that is no plain scalar because of a character with a meaning.
bool needs_quotes(std::string_view text) {
  if (std::string_view("-?:,[]{}#&*!|>'\"%@` ").find(text.front()) != std::string_view::npos) {
    const bool dash_word = (text.front() == '-' || text.front() == '?' || text.front() == ':') && text.size() > 1 &&
                           text[1] != ' ' && text.substr(0, 3) != "---";
    if (!dash_word) return true;
  }
  return text.back() == ' ' || text.back() == ':' || text.find(": ") != std::string_view::npos ||
         text.find(" #") != std::string_view::npos || text == "---" || text == "...";
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append(1, '\\').append(1, c);
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (byte < 0x20 || byte == 0x7f) {
      static constexpr char kHex[] = "0123456789abcdef";
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + '\'';
}

// "|-" for text without a final line break, "|" for one, "|+" for more; each line indented.
std::string literal_block(std::string_view text, std::size_t indent) {
  std::string out = "|";
  if (text.front() == ' ' || text.front() == '\n') out += '2';
  if (text.back() != '\n')
    out += '-';
  else if (text.size() == 1 || text[text.size() - 2] == '\n')
    out += '+';
  if (text.back() == '\n') text.remove_suffix(1);
  while (true) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    out += '\n';
    if (!line.empty()) out.append(indent + 2, ' ').append(line);
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

bool is_block(const json::value& value) {
  return (value.is_object() && !value.get_object().empty()) || (value.is_array() && !value.get_array().empty());
}

// "2026-11-23T08:11:00.306Z".
bool looks_like_time(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() <= kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kShape[i] == '0' ? !digit : text[i] != kShape[i]) return false;
  }
  return true;
}

json::value sorted(const json::value& value) {
  if (value.is_array()) {
    json::array items;
    for (const json::value& item : value.get_array()) items.push_back(sorted(item));
    return items;
  }
  if (!value.is_object()) return value;
  std::map<std::string_view, const json::value*> members;
  for (const auto& [key, member] : value.get_object())
    members.emplace(std::string_view(key.data(), key.size()), &member);
  json::object object;
  for (const auto& [key, member] : members) object.emplace(json::string_view(key.data(), key.size()), sorted(*member));
  return object;
}

class Writer {
 public:
  explicit Writer(YamlStyle style) : style_(style) {}

  std::string document(const json::value& value) {
    write(value, 0);
    return std::move(out_);
  }

  std::string flow_text(const json::value& value, std::size_t indent) const {
    if (value.is_object()) return "{}";
    if (value.is_array()) return "[]";
    return scalar(value, indent);
  }

 private:
  std::string scalar(const json::value& value, std::size_t indent) const {
    if (value.is_null()) return "null";
    if (!value.is_string()) return json::serialize(value);
    const std::string_view text(value.get_string().data(), value.get_string().size());
    if (is_reserved_word(text) || looks_like_number(text) || looks_like_base_60(text)) return double_quoted(text);
    if (style_ == YamlStyle::kMap && looks_like_time(text)) return double_quoted(text);
    if (needs_escapes(text)) return double_quoted(text);
    if (text.find('\n') != std::string_view::npos) return literal_block(text, indent);
    return needs_quotes(text) ? single_quoted(text) : std::string(text);
  }

  // first_inline: the first line continues where the caller stands (after "- ").
  void write_object(const json::object& object, std::size_t indent, bool first_inline) {
    bool inline_now = first_inline;
    for (const auto& [key, value] : object) {
      if (!inline_now) out_.append(indent, ' ');
      inline_now = false;
      out_.append(scalar(json::value(json::string(key)), indent)).append(":");
      if (!is_block(value)) {
        out_.append(" ").append(flow_text(value, indent)).append("\n");
        continue;
      }
      out_ += '\n';
      write(value, value.is_array() ? indent : indent + 2);
    }
  }

  void write(const json::value& value, std::size_t indent) {
    if (value.is_object()) return write_object(value.get_object(), indent, false);
    for (const json::value& item : value.get_array()) {
      out_.append(indent, ' ').append("- ");
      if (item.is_object() && is_block(item)) {
        write_object(item.get_object(), indent + 2, true);
      } else if (is_block(item)) {
        Writer nested(style_);
        nested.write(item, indent + 2);
        out_.append(nested.out_.substr(indent + 2));
      } else {
        out_.append(flow_text(item, indent)).append("\n");
      }
    }
  }

  YamlStyle style_;
  std::string out_;
};

void write_pretty(std::string& out, const json::value& value, std::size_t depth) {
  const auto line = [&](std::size_t tabs) { out.append("\n").append(tabs, '\t'); };
  if (!is_block(value)) {
    out.append(value.is_object() ? "{}" : value.is_array() ? "[]" : json::serialize(value));
    return;
  }
  bool first = true;
  out += value.is_object() ? '{' : '[';
  const auto separate = [&] {
    if (!first) out += ',';
    first = false;
    line(depth + 1);
  };
  if (value.is_object()) {
    for (const auto& [key, member] : value.get_object()) {
      separate();
      out.append(json::serialize(json::string(key))).append(": ");
      write_pretty(out, member, depth + 1);
    }
  } else {
    for (const json::value& item : value.get_array()) {
      separate();
      write_pretty(out, item, depth + 1);
    }
  }
  line(depth);
  out += value.is_object() ? '}' : ']';
}

Result<json::value> parse_json(std::string_view text) {
  boost::system::error_code code;
  json::value value = json::parse(json::string_view(text.data(), text.size()), code);
  if (code) return Error(ErrorKind::kInvalid, "read JSON: " + code.message());
  return value;
}

}  // namespace

Result<std::string> yaml_of_json(std::string_view text, YamlStyle style) {
  const json::value parsed = TRY(parse_json(text));
  const json::value value = style == YamlStyle::kMap ? sorted(parsed) : parsed;
  if (!is_block(value)) return Writer(style).flow_text(value, 0) + "\n";
  return Writer(style).document(value);
}

Result<std::string> pretty_json(std::string_view text) {
  std::string out;
  write_pretty(out, sorted(TRY(parse_json(text))), 0);
  return out + "\n";
}

}  // namespace cella::cli
