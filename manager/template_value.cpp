#include "manager/template_value.h"

#include <charconv>

namespace cella::manager {

const TemplateValue::List* TemplateValue::list() const {
  const auto* shared = std::get_if<std::shared_ptr<const List>>(&value_);
  return shared == nullptr ? nullptr : shared->get();
}

const TemplateValue::Map* TemplateValue::map() const {
  const auto* shared = std::get_if<std::shared_ptr<const Map>>(&value_);
  return shared == nullptr ? nullptr : shared->get();
}

std::string TemplateValue::text() const {
  if (const auto* string = std::get_if<std::string>(&value_)) return *string;
  if (const auto* integer = number()) return std::to_string(*integer);
  if (const auto* boolean = std::get_if<bool>(&value_)) return *boolean ? "True" : "False";
  return "";
}

bool TemplateValue::truth() const {
  if (const auto* boolean = std::get_if<bool>(&value_)) return *boolean;
  if (const auto* integer = number()) return *integer != 0;
  return size() != 0;
}

std::size_t TemplateValue::size() const {
  if (const auto* string = std::get_if<std::string>(&value_)) return string->size();
  if (const List* members = list()) return members->size();
  if (const Map* members = map()) return members->size();
  return 0;
}

TemplateValue TemplateValue::member(std::string_view name) const {
  if (const Map* members = map()) {
    const auto found = members->find(std::string(name));
    return found == members->end() ? TemplateValue() : found->second;
  }
  if (const List* members = list()) {
    std::size_t index = 0;
    const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (code == std::errc() && end == name.data() + name.size() && index < members->size()) return (*members)[index];
  }
  return {};
}

bool TemplateValue::equals(const TemplateValue& other) const {
  if (is_nothing() || other.is_nothing()) return is_nothing() == other.is_nothing() || size() + other.size() == 0;
  const bool composite = list() != nullptr || map() != nullptr || other.list() != nullptr || other.map() != nullptr;
  return !composite && text() == other.text();
}

}  // namespace cella::manager
