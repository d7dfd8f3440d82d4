// Custom volumes as they look from outside: values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "manager/config.h"
#include "manager/operation.h"
#include "storage/volume.h"

namespace cella::manager {

// What names a custom volume.
struct VolumeKey {
  std::string pool;
  std::string project;
  std::string name;
  auto operator<=>(const VolumeKey&) const = default;
};

// Its name in storage, "PROJECT_NAME": neither projects nor the separator make two keys of one pool meet, since
// projects have no underscore.
std::string stored_name(const VolumeKey& key);
storage::VolumeId stored_volume(const VolumeKey& key);
storage::VolumeId stored_snapshot(const VolumeKey& key, const std::string& snapshot);
// `custom volume "v1" in storage pool "p"`, for error texts.
std::string key_text(const VolumeKey& key);
// "/1.0/storage-pools/POOL/volumes/custom/NAME" + tail, with the project's query.
std::string volume_url(const VolumeKey& key, const std::string& tail = "");

enum class VolumeContent : std::uint8_t {
  kFilesystem,
  kBlock,  // one file, root.img, of the volume's size
};
// "filesystem", "block".
std::string_view content_text(VolumeContent content);
// Empty: filesystem. Errors: kInvalid naming the text.
Result<VolumeContent> parse_content(std::string_view text);

struct CustomVolume {
  VolumeKey key;
  VolumeContent content = VolumeContent::kFilesystem;
  std::string description;
  Config config;
  Timestamp created_at;
  std::vector<std::string> used_by;  // URLs of instances and profiles, sorted within each kind
};

struct CustomSnapshot {
  std::string name;
  std::string description;
  Config config;
  VolumeContent content = VolumeContent::kFilesystem;
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
};

struct CustomVolumeCreate {
  VolumeKey key;
  VolumeContent content = VolumeContent::kFilesystem;
  std::string description;
  Config config;
};

struct CustomVolumeCopy {
  VolumeKey from;
  std::string snapshot;  // of `from`, to be copied alone; empty: the volume
  bool volume_only = false;
  bool refresh = false;  // an existing volume is brought to what `from` is
};

struct VolumeSnapshotCreate {
  std::string name;  // empty: by snapshots.pattern
  std::string description;
  // nullopt: by snapshots.expiry; the epoch: never.
  std::optional<Timestamp> expires_at;
};

}  // namespace cella::manager
