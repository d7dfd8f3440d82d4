#include "api/codec.h"

#include "api/json_codec.h"

namespace cella::api {
namespace {

constexpr std::size_t kShownBytes = 80;

std::string shortened(std::string text) {
  if (text.size() > kShownBytes) {
    text.resize(kShownBytes);
    text += "…";
  }
  return text;
}

std::string joined(const std::vector<std::string_view>& path) {
  std::string out;
  for (const std::string_view name : path) {
    if (!out.empty() && name != "[]") out += '.';
    out += name;
  }
  return out.empty() ? "body" : out;
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;  // start of the run not yet copied
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.substr(plain, i - plain));
    plain = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default: {
        const char escape[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
        out.append(escape, sizeof escape);
      }
    }
  }
  out.append(text.substr(plain));
  out += '"';
}

void JsonReader::fail(JsonView from, std::string_view reason) {
  const std::string value =
      from.kind() == JsonKind::kString ? std::string(from.string().substr(0, kShownBytes)) : shortened(from.text());
  error_ = invalid_value(joined(path_), value, reason);
}

bool JsonReader::expect(JsonView from, JsonKind kind, std::string_view wanted) {
  if (from.kind() == kind) return true;
  fail(from, "expected " + std::string(wanted));
  return false;
}

void JsonReader::read(JsonView from, std::string& value) {
  if (expect(from, JsonKind::kString, "a string")) value = from.string();
}

void JsonReader::read(JsonView from, bool& value) {
  if (expect(from, JsonKind::kBool, "true or false")) value = from.boolean();
}

std::int64_t JsonReader::read_integer(JsonView from, std::int64_t least, std::int64_t most) {
  if (!expect(from, JsonKind::kInteger, "a whole number")) return 0;
  const std::optional<std::int64_t> value = from.integer();
  if (!value || *value < least || *value > most) {
    fail(from, "out of range");
    return 0;
  }
  return *value;
}

std::string quote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

std::string member_text(std::string_view json, std::string_view name) {
  const Result<JsonDocument> document = JsonDocument::parse(json);
  if (!document.ok()) return {};
  const JsonView member = document->root().member(name);
  return member.is_null() ? std::string() : member.text();
}

Result<std::vector<std::string>> decode_strings(std::string_view json) { return decode_list<std::string>(json); }

}  // namespace cella::api
