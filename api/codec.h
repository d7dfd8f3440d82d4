// JSON text ↔ wire structs. One pair of functions for every struct of this folder; the JSON library stays in the .cpp
// files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cella::api {

// Most that one decoded document may measure, and how deep it may nest.
inline constexpr std::size_t kMaxJsonBytes = 64u << 20;
inline constexpr std::size_t kMaxJsonDepth = 32;

// Reads one object. T: any struct declared in a header of this folder.
// Absent and null members keep the struct's default; unknown members are ignored (as LXD does).
// Errors: kInvalid naming the path of the member and its value, for a wrong type, a number out of range, text that is
// not JSON, too deep or too long.
template <typename T>
Result<T> decode(std::string_view json);

// A JSON array of T; null is an empty list.
template <typename T>
Result<std::vector<T>> decode_list(std::string_view json);

// The compact JSON text of value. Members come in the order LXD writes them.
template <typename T>
std::string encode(const T& value);

template <typename T>
std::string encode_list(const std::vector<T>& values);

// The text with JSON quoting and quotes around it.
std::string quote(std::string_view text);

// Value of one member of a JSON object, as JSON text; empty when json is no object or the member is absent or null.
std::string member_text(std::string_view json, std::string_view name);

// A JSON array of strings and a JSON object of strings. Errors as decode().
Result<std::vector<std::string>> decode_strings(std::string_view json);

}  // namespace cella::api
