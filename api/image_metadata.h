// metadata.yaml as JSON: /1.0/instances/NAME/metadata.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct ImageMetadataTemplate {
  std::vector<std::string> when;
  bool create_only = false;
  std::string source;  // "template" on the wire
  ConfigMap properties;
};

struct ImageMetadata {
  std::string architecture;
  std::int64_t creation_date = 0;
  std::int64_t expiry_date = 0;
  ConfigMap properties;
  std::map<std::string, ImageMetadataTemplate> templates;
};

}  // namespace cella::api
