// What a template computes with: strings, numbers, booleans, lists and maps.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cella::manager {

// One value of the template language. Copying is cheap: lists and maps are shared and never changed.
class TemplateValue {
 public:
  using List = std::vector<TemplateValue>;
  using Map = std::map<std::string, TemplateValue>;

  TemplateValue() = default;  // nothing: prints as "", is false
  TemplateValue(std::string text) : value_(std::move(text)) {}
  TemplateValue(const char* text) : value_(std::string(text)) {}
  TemplateValue(std::int64_t number) : value_(number) {}
  TemplateValue(bool truth) : value_(truth) {}
  TemplateValue(List list) : value_(std::make_shared<const List>(std::move(list))) {}
  TemplateValue(Map map) : value_(std::make_shared<const Map>(std::move(map))) {}

  bool is_nothing() const { return std::holds_alternative<std::monostate>(value_); }
  const std::int64_t* number() const { return std::get_if<std::int64_t>(&value_); }
  const List* list() const;
  const Map* map() const;

  // As pongo2 prints it: booleans "True" and "False", lists and maps not at all.
  std::string text() const;
  // False for nothing, "", 0, false and empty lists and maps.
  bool truth() const;
  // Characters of a string (bytes), members of a list or map; 0 otherwise.
  std::size_t size() const;
  // The member of a map, or the element of a list by decimal index; nothing when there is none.
  TemplateValue member(std::string_view name) const;
  // Equal kind and content; a number equals the string that prints like it, as pongo2 compares.
  bool equals(const TemplateValue& other) const;

 private:
  std::variant<std::monostate, std::string, std::int64_t, bool, std::shared_ptr<const List>, std::shared_ptr<const Map>>
      value_;
};

}  // namespace cella::manager
