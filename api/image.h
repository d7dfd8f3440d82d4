// /1.0/images and /1.0/images/aliases.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

// An alias as an image lists it.
struct ImageAlias {
  std::string name;
  std::string description;
};

// Where an image came from and is looked for again.
struct ImageUpdateSource {
  std::string alias;
  std::string certificate;
  std::string protocol;
  std::string server;
  std::string image_type;
};

struct Image {
  bool auto_update = false;
  ConfigMap properties;
  bool is_public = false;  // wire: "public"
  std::string expires_at;
  std::vector<std::string> profiles;
  std::vector<ImageAlias> aliases;
  std::string architecture;
  bool cached = false;
  std::string filename;
  std::string fingerprint;
  std::int64_t size = 0;
  std::string type;  // "container"
  std::string created_at;
  std::string last_used_at;
  std::string uploaded_at;
  std::optional<ImageUpdateSource> update_source;
};

// PUT /1.0/images/FINGERPRINT.
struct ImagePut {
  bool auto_update = false;
  ConfigMap properties;
  bool is_public = false;
  std::string expires_at;
  std::vector<std::string> profiles;
};

// PATCH /1.0/images/FINGERPRINT: absent members stay; properties are replaced when present (as LXD does).
struct ImagePatch {
  std::optional<bool> auto_update;
  std::optional<ConfigMap> properties;
  std::optional<bool> is_public;
  std::optional<std::string> expires_at;
  std::optional<std::vector<std::string>> profiles;
};

// POST /1.0/images with a JSON body (not a raw or multipart upload).
struct ImageSource {
  std::string type;
  std::string mode;
  std::string server;
  std::string protocol;
  std::string url;
  std::string fingerprint;
  std::string alias;
  std::string name;
  std::string project;
  std::string certificate;  // PEM of the server
  std::string secret;
  std::string image_type;
};
struct ImageCreate {
  bool auto_update = false;
  ConfigMap properties;
  bool is_public = false;
  std::string expires_at;
  std::string filename;
  ImageSource source;
  std::vector<ImageAlias> aliases;
};

// POST /1.0/images/FINGERPRINT/export: send it to a server that gave a secret for it.
struct ImageExport {
  std::string target;       // "https://192.0.2.1:8443"
  std::string secret;
  std::string certificate;  // PEM of the target
  std::vector<ImageAlias> aliases;
};

// GET /1.0/images/aliases[/NAME].
struct Alias {
  std::string description;
  std::string target;  // fingerprint
  std::string name;
  std::string type;
};

struct AliasCreate {
  std::string description;
  std::string target;
  std::string name;
  std::string type;
};

struct AliasPut {
  std::string description;
  std::string target;
};

struct AliasPatch {
  std::optional<std::string> description;
  std::optional<std::string> target;
};

}  // namespace cella::api
