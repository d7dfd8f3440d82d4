// How structs of this folder become JSON and back: each noun's .cpp describes its members once with Members<T>, and
// CELLA_API_CODEC(T) makes encode<T> and decode<T> of it. Only for .cpp files of api/.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/codec.h"
#include "api/json.h"
#include "api/values.h"

namespace cella::api {

// Specialised per struct: `static void visit(auto& visitor, auto& value)` calls visitor("name", value.member) for each
// member in wire order.
template <typename T>
struct Members;

// Whether an empty value is written, and how.
enum class Empty : std::uint8_t { kWrite, kOmit, kNull };

void append_quoted(std::string& out, std::string_view text);

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  template <typename T>
  void operator()(std::string_view name, const T& value, Empty empty = Empty::kWrite) {
    if (empty != Empty::kWrite && is_empty(value)) {
      if (empty == Empty::kNull) key(name), out_ += "null";
      return;
    }
    if constexpr (requires { value.has_value(); }) {
      if (!value) return;
    }
    key(name);
    write(value);
  }

  void write(const std::string& value) { append_quoted(out_, value); }
  void write(bool value) { out_ += value ? "true" : "false"; }
  void write(const RawJson& value) { out_ += value.text.empty() ? "null" : value.text; }

  template <std::integral T>
  requires(!std::same_as<T, bool>) void write(T value) {
    char digits[24];
    out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }

  template <typename T>
  void write(const std::optional<T>& value) {
    write(*value);
  }

  template <typename T>
  void write(const std::vector<T>& values) {
    out_ += '[';
    bool first = true;
    for (const T& value : values) {
      if (!std::exchange(first, false)) out_ += ',';
      write(value);
    }
    out_ += ']';
  }

  template <typename T>
  void write(const std::map<std::string, T>& values) {
    out_ += '{';
    bool first = true;
    for (const auto& [name, value] : values) {
      if (!std::exchange(first, false)) out_ += ',';
      append_quoted(out_, name);
      out_ += ':';
      write(value);
    }
    out_ += '}';
  }

  template <typename T>
  requires requires { &Members<T>::template visit<JsonWriter, const T>; }
  void write(const T& value) {
    out_ += '{';
    JsonWriter nested(out_);
    Members<T>::visit(nested, value);
    out_ += '}';
  }

 private:
  template <typename T>
  static bool is_empty(const T& value) {
    if constexpr (requires { value.empty(); }) {
      return value.empty();
    } else if constexpr (std::same_as<T, RawJson>) {
      return value.text.empty();
    } else if constexpr (requires { value.has_value(); }) {
      return !value.has_value();
    } else {
      return false;
    }
  }

  void key(std::string_view name) {
    if (!std::exchange(first_, false)) out_ += ',';
    append_quoted(out_, name);
    out_ += ':';
  }

  std::string& out_;
  bool first_ = true;
};

// Fills a struct from an object; stops at the first member of a wrong type. Null members are left alone.
class JsonReader {
 public:
  // path: names of the members around `object`, for errors.
  JsonReader(JsonView object, std::vector<std::string_view>& path, std::optional<Error>& error)
      : object_(object), path_(path), error_(error) {}

  template <typename T>
  void operator()(std::string_view name, T& value, Empty = Empty::kWrite) {
    if (error_) return;
    const JsonView member = object_.member(name);
    if (!member.is_null()) read_at(name, member, value);
  }

  template <typename T>
  void read_at(std::string_view name, JsonView from, T& value) {
    if (error_) return;
    path_.push_back(name);
    read(from, value);
    path_.pop_back();
  }

  void read(JsonView from, std::string& value);
  void read(JsonView from, bool& value);
  void read(JsonView from, RawJson& value) { value.text = from.text(); }

  template <std::integral T>
  requires(!std::same_as<T, bool>) void read(JsonView from, T& value) {
    const std::int64_t wide =
        read_integer(from, std::numeric_limits<T>::min(),
                     static_cast<std::int64_t>(std::min<std::uint64_t>(std::numeric_limits<T>::max(), INT64_MAX)));
    if (!error_) value = static_cast<T>(wide);
  }

  template <typename T>
  void read(JsonView from, std::optional<T>& value) {
    value.emplace();
    read(from, *value);
  }

  template <typename T>
  void read(JsonView from, std::vector<T>& values) {
    if (!expect(from, JsonKind::kArray, "a list")) return;
    values.clear();
    values.reserve(from.size());
    for (std::size_t i = 0; i < from.size() && !error_; ++i) {
      read_at("[]", from.at(i), values.emplace_back());
    }
  }

  template <typename T>
  void read(JsonView from, std::map<std::string, T>& values) {
    if (!expect(from, JsonKind::kObject, "an object")) return;
    values.clear();
    for (std::size_t i = 0; i < from.size() && !error_; ++i) {
      const std::string_view name = from.key_at(i);
      T& value = values[std::string(name)];
      if (!from.at(i).is_null()) read_at(name, from.at(i), value);
    }
  }

  template <typename T>
  requires requires { &Members<T>::template visit<JsonReader, T>; }
  void read(JsonView from, T& value) {
    if (!expect(from, JsonKind::kObject, "an object")) return;
    JsonReader nested(from, path_, error_);
    Members<T>::visit(nested, value);
  }

 private:
  bool expect(JsonView from, JsonKind kind, std::string_view wanted);
  std::int64_t read_integer(JsonView from, std::int64_t least, std::int64_t most);
  void fail(JsonView from, std::string_view reason);

  JsonView object_;
  std::vector<std::string_view>& path_;
  std::optional<Error>& error_;
};

template <typename T>
Result<T> decode(std::string_view text) {
  const JsonDocument document = TRY(JsonDocument::parse(text));
  std::vector<std::string_view> path;
  std::optional<Error> error;
  JsonReader reader(document.root(), path, error);
  T value{};
  reader.read(document.root(), value);
  if (error) return *std::move(error);
  return value;
}

template <typename T>
Result<std::vector<T>> decode_list(std::string_view text) {
  if (text == "null" || text.empty()) return std::vector<T>();
  return decode<std::vector<T>>(text);
}

template <typename T>
std::string encode(const T& value) {
  std::string out;
  JsonWriter(out).write(value);
  return out;
}

template <typename T>
std::string encode_list(const std::vector<T>& values) {
  return encode(values);
}

}  // namespace cella::api

#define CELLA_API_CODEC(T)                                          \
  template Result<T> decode<T>(std::string_view);                   \
  template Result<std::vector<T>> decode_list<T>(std::string_view); \
  template std::string encode<T>(const T&);                         \
  template std::string encode_list<T>(const std::vector<T>&);
