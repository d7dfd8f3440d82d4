// A parsed JSON document to look into, for values whose shape no struct describes. The library behind it is hidden.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::api {

enum class JsonKind : std::uint8_t { kNull, kBool, kInteger, kNumber, kString, kArray, kObject };

// A value inside a JsonDocument, which must outlive it. A default-made one is null.
class JsonView {
 public:
  JsonView() = default;
  explicit JsonView(const void* value) : value_(value) {}

  JsonKind kind() const;
  bool is_null() const { return kind() == JsonKind::kNull; }

  // Defined for the fitting kind only: "", false, nullopt otherwise. integer() is nullopt beyond int64.
  std::string_view string() const;
  bool boolean() const;
  std::optional<std::int64_t> integer() const;
  double number() const;

  // Elements of an array, members of an object; 0 for the rest.
  std::size_t size() const;
  JsonView at(std::size_t index) const;              // element, or value of the member
  std::string_view key_at(std::size_t index) const;  // of an object
  JsonView member(std::string_view name) const;      // null when absent

  // Compact JSON text.
  std::string text() const;

 private:
  const void* value_ = nullptr;
};

class JsonDocument {
 public:
  // Errors: kInvalid with the offset, for text that is not one JSON value, too long or too deep (codec.h's limits).
  static Result<JsonDocument> parse(std::string_view text);

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonView root() const;

 private:
  struct Impl;
  explicit JsonDocument(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cella::api
