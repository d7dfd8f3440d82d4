#include "api/json.h"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <cmath>
#include <limits>
#include <utility>

#include "api/codec.h"

namespace cella::api {
namespace {

namespace json = boost::json;

const json::value& null_value() {
  static const json::value null;
  return null;
}

// SAFETY: a JsonView is only made from null or from a json::value of a live document.
const json::value& value_of(const void* pointer) {
  return pointer == nullptr ? null_value() : *static_cast<const json::value*>(pointer);
}

}  // namespace

struct JsonDocument::Impl {
  json::monotonic_resource memory;
  json::value root;
  Impl() : root(&memory) {}
};

JsonDocument::JsonDocument(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

JsonView JsonDocument::root() const { return JsonView(&impl_->root); }

Result<JsonDocument> JsonDocument::parse(std::string_view text) {
  if (text.size() > kMaxJsonBytes) {
    return Error(ErrorKind::kInvalid, "JSON of " + std::to_string(text.size()) + " bytes is too long");
  }
  auto impl = std::make_unique<Impl>();
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  unsigned char first_buffer[1024];
  json::parser parser(json::storage_ptr(), options, first_buffer);
  parser.reset(&impl->memory);
  boost::system::error_code error;
  const std::size_t used = parser.write(text.data(), text.size(), error);
  if (error) {
    return Error(ErrorKind::kInvalid, "JSON at byte " + std::to_string(used) + ": " + error.message());
  }
  impl->root = parser.release();
  return JsonDocument(std::move(impl));
}

JsonKind JsonView::kind() const {
  switch (value_of(value_).kind()) {
    case json::kind::null:
      return JsonKind::kNull;
    case json::kind::bool_:
      return JsonKind::kBool;
    case json::kind::int64:
    case json::kind::uint64:
      return JsonKind::kInteger;
    case json::kind::double_:
      return JsonKind::kNumber;
    case json::kind::string:
      return JsonKind::kString;
    case json::kind::array:
      return JsonKind::kArray;
    case json::kind::object:
      return JsonKind::kObject;
  }
  return JsonKind::kNull;
}

std::string_view JsonView::string() const {
  const json::string* text = value_of(value_).if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

bool JsonView::boolean() const {
  const bool* truth = value_of(value_).if_bool();
  return truth != nullptr && *truth;
}

std::optional<std::int64_t> JsonView::integer() const {
  const json::value& value = value_of(value_);
  if (const std::int64_t* number = value.if_int64()) return *number;
  if (const std::uint64_t* number = value.if_uint64()) {
    if (std::in_range<std::int64_t>(*number)) return static_cast<std::int64_t>(*number);
  }
  return std::nullopt;
}

double JsonView::number() const {
  const json::value& value = value_of(value_);
  if (const double* number = value.if_double()) return *number;
  if (const std::int64_t* number = value.if_int64()) return static_cast<double>(*number);
  if (const std::uint64_t* number = value.if_uint64()) return static_cast<double>(*number);
  return 0;
}

std::size_t JsonView::size() const {
  const json::value& value = value_of(value_);
  if (const json::array* array = value.if_array()) return array->size();
  if (const json::object* object = value.if_object()) return object->size();
  return 0;
}

JsonView JsonView::at(std::size_t index) const {
  const json::value& value = value_of(value_);
  if (const json::array* array = value.if_array()) {
    return index < array->size() ? JsonView(&(*array)[index]) : JsonView();
  }
  if (const json::object* object = value.if_object()) {
    return index < object->size() ? JsonView(&(object->begin() + static_cast<std::ptrdiff_t>(index))->value())
                                  : JsonView();
  }
  return JsonView();
}

std::string_view JsonView::key_at(std::size_t index) const {
  const json::object* object = value_of(value_).if_object();
  if (object == nullptr || index >= object->size()) return {};
  const auto key = (object->begin() + static_cast<std::ptrdiff_t>(index))->key();
  return {key.data(), key.size()};
}

JsonView JsonView::member(std::string_view name) const {
  const json::object* object = value_of(value_).if_object();
  if (object == nullptr) return JsonView();
  return JsonView(object->if_contains({name.data(), name.size()}));
}

std::string JsonView::text() const { return json::serialize(value_of(value_)); }

}  // namespace cella::api
