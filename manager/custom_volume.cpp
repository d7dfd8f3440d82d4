#include "manager/custom_volume.h"

#include "manager/names.h"

namespace cella::manager {

std::string stored_name(const VolumeKey& key) { return key.project + "_" + key.name; }

storage::VolumeId stored_volume(const VolumeKey& key) { return {storage::VolumeKind::kCustom, stored_name(key)}; }

storage::VolumeId stored_snapshot(const VolumeKey& key, const std::string& snapshot) {
  return {storage::VolumeKind::kCustomSnapshot, stored_name(key) + "/" + snapshot};
}

std::string key_text(const VolumeKey& key) {
  return "custom volume \"" + key.name + "\" in storage pool \"" + key.pool + "\"";
}

std::string volume_url(const VolumeKey& key, const std::string& tail) {
  return "/1.0/storage-pools/" + key.pool + "/volumes/custom/" + key.name + tail + project_query(key.project);
}

std::string_view content_text(VolumeContent content) {
  switch (content) {
    case VolumeContent::kFilesystem:
      return "filesystem";
    case VolumeContent::kBlock:
      return "block";
  }
  return "";
}

Result<VolumeContent> parse_content(std::string_view text) {
  if (text.empty() || text == "filesystem") return VolumeContent::kFilesystem;
  if (text == "block") return VolumeContent::kBlock;
  return invalid_value("content_type", text, "not one of filesystem, block");
}

}  // namespace cella::manager
