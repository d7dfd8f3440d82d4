// An instance's own copy of its image's metadata.yaml and templates.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "manager/image.h"
#include "manager/instance_set.h"

namespace cella::manager {

class Pools;

// Thread-safe; changes to one instance exclude each other. set and pools outlive it.
class InstanceMetadata {
 public:
  InstanceMetadata(InstanceSet& set, Pools& pools) : set_(set), pools_(pools) {}

  // Errors: kNotFound for the instance. An instance without metadata.yaml (an empty root) gives an empty one.
  Result<ImageMetadata> get(const std::string& instance) const;
  // Replaces metadata.yaml durably. Errors: kInvalid naming the member, as parse_image_metadata().
  Result<void> put(const std::string& instance, const ImageMetadata& metadata);

  // Templates are files of plain names. Errors: kInvalid for another name, kNotFound.
  Result<std::vector<std::string>> templates(const std::string& instance) const;  // sorted
  Result<std::string> read_template(const std::string& instance, const std::string& name) const;
  // At most 1 MiB. Errors: kNoSpace when longer.
  Result<void> write_template(const std::string& instance, const std::string& name, std::string_view text);
  Result<void> remove_template(const std::string& instance, const std::string& name);

 private:
  Result<DirFd> directory(const std::string& instance) const;

  InstanceSet& set_;
  Pools& pools_;
};

// metadata.yaml's text. parse_image_metadata() gives the same value back.
std::string format_image_metadata(const ImageMetadata& metadata);

}  // namespace cella::manager
