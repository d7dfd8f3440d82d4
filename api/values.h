// Value types that several wire nouns share.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cella::api {

// Keys and values as the wire has them: every value is a string.
using ConfigMap = std::map<std::string, std::string>;
// Device name → its keys ("type" among them).
using DeviceMap = std::map<std::string, ConfigMap>;
// Kind of object ("instances") → URLs.
using ResourceMap = std::map<std::string, std::vector<std::string>>;

// One JSON value kept as text, for members whose shape depends on the operation or event that carries them.
// Empty text stands for null.
struct RawJson {
  std::string text;
  bool operator==(const RawJson&) const = default;
};

}  // namespace cella::api
