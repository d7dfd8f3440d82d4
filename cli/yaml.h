// JSON text ↔ YAML text. Members keep their order, so a struct is shown in the order its codec writes.
//
// YAML is read with yaml-cpp. It is written by hand: yaml-cpp indents lists and quotes strings unlike the tools whose
// output users keep in files and compare ("- item" flush with its key, "\"1\"" for text that looks like a number).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::cli {

// kStruct: members in the order given, times plain. kMap: members sorted and text that looks like a time quoted, as a
// tool prints what it knows no type of.
enum class YamlStyle { kStruct, kMap };

// Ends with a line break. Errors: kInvalid when json is no JSON.
Result<std::string> yaml_of_json(std::string_view json, YamlStyle style = YamlStyle::kStruct);

// One document. Plain scalars become booleans, numbers or null, but stay text below "config", "devices" and
// "properties" and in names and descriptions. An empty document is {}.
// Errors: kInvalid with yaml-cpp's message, line and column; a repeated key; an anchor cycle or depth over 32.
Result<std::string> json_of_yaml(std::string_view yaml);

// JSON with one member per line, tabs, and members sorted, as `query` prints it.
Result<std::string> pretty_json(std::string_view json);

}  // namespace cella::cli
