// The values storage is described with: pools, volumes, image files, and how long work is watched.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"

namespace cella::storage {

enum class DriverType : std::uint8_t { kOverlay, kBtrfs, kDir };
// "overlay", "btrfs", "dir".
std::string_view driver_text(DriverType type);
// Errors: kInvalid naming the text and the drivers there are.
Result<DriverType> parse_driver(std::string_view text);

// Where a pool lives. All paths absolute.
struct PoolSpec {
  std::string name;
  DriverType driver = DriverType::kOverlay;
  std::string directory;      // where the pool's tree is reached; for btrfs on a loop file or device: the mount point
  std::string source;         // overlay, dir: directory or empty for `directory`; btrfs: also block device or loop file
  Bytes size{0};              // of a loop file that is to be made; 0: 20 % of the free space, 5 to 30 GiB
  std::string mount_options;  // btrfs, comma separated; empty: user_subvol_rm_allowed
  bool wipe_source = false;   // btrfs: a block device that holds something may be formatted
};

enum class VolumeKind : std::uint8_t {
  kImage,     // read-only, named by fingerprint
  kRoot,      // a root file system with its templates
  kSnapshot,  // of a root: read-only, "VOLUME/SNAPSHOT"
  kCustom,    // a tree of its own, made empty
  kCustomSnapshot,
};
// What can be written to: a root or a custom volume.
constexpr bool is_writable(VolumeKind kind) { return kind == VolumeKind::kRoot || kind == VolumeKind::kCustom; }
constexpr bool is_snapshot(VolumeKind kind) {
  return kind == VolumeKind::kSnapshot || kind == VolumeKind::kCustomSnapshot;
}

struct VolumeId {
  VolumeKind kind = VolumeKind::kRoot;
  std::string name;
  bool operator==(const VolumeId&) const = default;
};

// "root volume \"c1\"", for error texts.
std::string volume_text(const VolumeId& volume);

// A volume's name: 1 to 200 of [A-Za-z0-9._-], not starting with "." or "-"; snapshots have two joined by "/".
Result<void> check_volume_name(const VolumeId& volume);

// Progress and cancellation of long work. Both may be empty; both are called on the working thread, often.
struct Watch {
  // Bytes of input worked through, of so many.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
  std::function<bool()> cancelled;
};

// The files an image came as. Unified: one tarball with metadata.yaml, templates/ and rootfs/. Split: a tarball with
// metadata.yaml and templates/, and the root file system as squashfs or as a tarball of its own.
struct ImageFiles {
  std::string metadata_path;  // the unified tarball, or the metadata tarball
  std::string rootfs_path;    // empty: unified
};

// Bounds of what one archive may expand to. Larger: kNoSpace.
struct UnpackLimits {
  std::uint64_t max_entries = 4'000'000;
  Bytes max_bytes{std::uint64_t{256} << 30};
};

struct VolumeUsage {
  Bytes used;
  std::optional<Bytes> total;  // the quota, when there is one
};

struct PoolSpace {
  Bytes used;
  Bytes total;
  std::uint64_t inodes_used = 0;
  std::uint64_t inodes_total = 0;
};

}  // namespace cella::storage
