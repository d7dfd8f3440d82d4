// What an image looks like from outside: values only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "manager/operation.h"

namespace cella::manager {

struct ImageAlias {
  std::string name;
  std::string description;
};

// Where an image came from, so that a newer one can be asked for there.
struct ImageOrigin {
  std::string server;       // "https://192.0.2.1:8443"
  std::string protocol;     // "lxd" or "simplestreams"
  std::string alias;        // what was asked for there
  std::string certificate;  // PEM of exactly that server; empty: the system's authorities vouch for it
  bool operator==(const ImageOrigin&) const = default;
};

struct Image {
  std::string fingerprint;  // 64 hexadecimal digits
  std::string filename;
  std::int64_t size = 0;  // bytes of the file or files
  std::string architecture;
  std::string type = "container";
  bool is_public = false;
  bool auto_update = false;
  bool cached = false;
  std::map<std::string, std::string> properties;
  std::vector<ImageAlias> aliases;  // by name
  std::vector<std::string> profiles;
  Timestamp created_at;
  Timestamp uploaded_at;
  Timestamp last_used_at;               // epoch: never
  std::optional<Timestamp> expires_at;  // nullopt: never
  std::string project = "default";
  std::optional<ImageOrigin> origin;  // nullopt: it was given here
};

// PUT: replaces all of these.
struct ImagePut {
  bool auto_update = false;
  bool is_public = false;
  std::map<std::string, std::string> properties;
  std::vector<std::string> profiles;
  std::optional<Timestamp> expires_at;
};

// PATCH: absent members stay; properties are added to those there are.
struct ImagePatch {
  std::optional<bool> auto_update;
  std::optional<bool> is_public;
  std::optional<std::map<std::string, std::string>> properties;
  std::optional<std::vector<std::string>> profiles;
  std::optional<Timestamp> expires_at;
};

struct Alias {
  std::string name;
  std::string description;
  std::string target;  // full fingerprint
  std::string type = "container";
};

// Files of an upload, already written below Images::upload_directory(). Images takes them over: they are renamed into
// place or removed, whatever the outcome.
struct ImageUpload {
  std::string project = "default";                // that is to have it, for those who do not import at once
  std::string metadata_path;                      // the unified tarball, or the metadata tarball of a split image
  std::string rootfs_path;                        // empty: unified
  std::string filename;                           // X-LXD-filename; empty is allowed
  std::string fingerprint;                        // expected digest; empty: not checked
  std::map<std::string, std::string> properties;  // over those of metadata.yaml
  std::vector<ImageAlias> aliases;
  std::vector<std::string> profiles;  // empty: "default"
  bool is_public = false;
  bool auto_update = false;
  bool cached = false;  // only fetched for an instance: goes again when it is not used
  std::optional<Timestamp> expires_at;
  std::optional<ImageOrigin> origin;
};

// The original files, byte-identical, for export.
struct ImageFile {
  std::string path;
  std::string filename;  // what to call it: FINGERPRINT.tar.xz, FINGERPRINT.squashfs, meta-FINGERPRINT.tar.xz
  std::int64_t size = 0;
};
struct ImageExport {
  ImageFile metadata;               // or the unified tarball
  std::optional<ImageFile> rootfs;  // split images only
};

// One entry of metadata.yaml's "templates".
struct ImageTemplate {
  std::string path;               // in the root file system, absolute
  std::vector<std::string> when;  // "create", "copy", "start", "rename"
  std::string source;             // file name below templates/
  bool create_only = false;
  std::map<std::string, std::string> properties;
};

// metadata.yaml.
struct ImageMetadata {
  std::string architecture;
  std::int64_t creation_date = 0;  // seconds since the epoch
  std::int64_t expiry_date = 0;    // 0: none
  std::map<std::string, std::string> properties;
  std::vector<ImageTemplate> templates;
};

}  // namespace cella::manager
