// The filters of the template language.
#include <algorithm>
#include <cctype>

#include "manager/template_expression.h"

namespace cella::manager {
namespace {

std::string mapped(std::string text, int (*change)(int)) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [&](unsigned char c) { return static_cast<char>(change(c)); });
  return text;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string capitalised(std::string text, bool every_word) {
  bool start = true;
  for (char& c : text) {
    if (start) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    start = every_word && std::isspace(static_cast<unsigned char>(c)) != 0;
  }
  return text;
}

std::string without(const std::string& text, const std::string& part) {
  if (part.empty()) return text;
  std::string rest;
  std::size_t begin = 0;
  for (std::size_t at; (at = text.find(part, begin)) != std::string::npos; begin = at + part.size())
    rest.append(text, begin, at - begin);
  return rest.append(text, begin);
}

TemplateValue::List pieces(const std::string& text, const std::string& separator) {
  TemplateValue::List list;
  std::size_t begin = 0;
  for (std::size_t at; !separator.empty() && (at = text.find(separator, begin)) != std::string::npos;
       begin = at + separator.size())
    list.emplace_back(text.substr(begin, at - begin));
  list.emplace_back(text.substr(begin));
  return list;
}

Result<TemplateValue> joined(const TemplateValue& value, const std::string& separator) {
  if (value.list() == nullptr) return TemplateValue(value.text());
  std::string text;
  for (const TemplateValue& member : *value.list()) {
    if (&member != &value.list()->front()) text += separator;
    text += member.text();
    if (text.size() > kMaxTemplateText) return Error(ErrorKind::kInvalid, "join makes more than 1 MiB");
  }
  return TemplateValue(std::move(text));
}

TemplateValue end_of(const TemplateValue& value, bool first) {
  if (value.size() == 0) return {};
  if (value.list() != nullptr) return first ? value.list()->front() : value.list()->back();
  const std::string text = value.text();
  return text.empty() ? TemplateValue() : TemplateValue(std::string(1, first ? text.front() : text.back()));
}

TemplateValue choice(const TemplateValue& value, const std::string& words) {
  const TemplateValue::List list = pieces(words.empty() ? "yes,no,maybe" : words, ",");
  const std::size_t wanted = value.truth() ? 0 : value.is_nothing() && list.size() > 2 ? 2 : 1;
  return wanted < list.size() ? list[wanted] : TemplateValue();
}

}  // namespace

Result<TemplateValue> apply_template_filter(std::string_view name, const TemplateValue& value, const TemplateValue* argument) {
  const std::string with = argument == nullptr ? "" : argument->text();
  if (name == "safe" || name == "escape" || name == "e") return value;
  if (name == "default") return value.truth() || argument == nullptr ? value : *argument;
  if (name == "default_if_none") return !value.is_nothing() || argument == nullptr ? value : *argument;
  if (name == "lower") return TemplateValue(mapped(value.text(), std::tolower));
  if (name == "upper") return TemplateValue(mapped(value.text(), std::toupper));
  if (name == "capfirst") return TemplateValue(capitalised(value.text(), /*every_word=*/false));
  if (name == "title") return TemplateValue(capitalised(value.text(), /*every_word=*/true));
  if (name == "trim") return TemplateValue(trimmed(value.text()));
  if (name == "cut") return TemplateValue(without(value.text(), with));
  if (name == "split") return TemplateValue(pieces(value.text(), with));
  if (name == "join") return joined(value, with);
  if (name == "length") return TemplateValue(static_cast<std::int64_t>(value.size()));
  if (name == "first") return end_of(value, /*first=*/true);
  if (name == "last") return end_of(value, /*first=*/false);
  if (name == "yesno") return choice(value, with);
  return invalid_value("filter", name, "unknown");
}

}  // namespace cella::manager
