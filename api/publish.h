// POST /1.0/images with a source of type instance or snapshot.
#pragma once

#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct PublishSource {
  std::string type;
  std::string name;  // "NAME", or "NAME/SNAPSHOT" of a snapshot
  std::string project;
};

struct PublishAlias {
  std::string name;
  std::string description;
};

struct ImagePublish {
  ConfigMap properties;  // replace the source's unless empty
  bool is_public = false;
  std::string expires_at;
  std::vector<std::string> profiles;
  std::string filename;
  PublishSource source;
  std::string compression_algorithm;  // empty: gzip
  std::vector<PublishAlias> aliases;
};

}  // namespace cella::api
