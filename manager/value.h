// A small typed tree for what clients see as free-form metadata (operation metadata, lifecycle context). No JSON here:
// the daemon encodes it at the edge.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace cella::manager {

struct Value {
  using List = std::vector<Value>;
  using Object = std::map<std::string, Value>;

  Value() = default;  // null
  Value(const char* text) : held(std::string(text)) {}
  Value(std::string text) : held(std::move(text)) {}
  Value(bool truth) : held(truth) {}
  Value(int number) : held(std::int64_t{number}) {}
  Value(std::int64_t number) : held(number) {}
  Value(List list) : held(std::move(list)) {}
  Value(Object object) : held(std::move(object)) {}

  const std::string* text() const { return std::get_if<std::string>(&held); }
  const std::int64_t* number() const { return std::get_if<std::int64_t>(&held); }
  const Object* object() const { return std::get_if<Object>(&held); }
  const List* list() const { return std::get_if<List>(&held); }
  bool operator==(const Value&) const = default;

  std::variant<std::monostate, bool, std::int64_t, std::string, List, Object> held;
};

}  // namespace cella::manager
