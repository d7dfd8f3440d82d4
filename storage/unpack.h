// Archives from outside, read by a throw-away process that has nothing to lose: its own user namespace with ids of no
// one else, no network, and a root directory that is the place to unpack to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/id_map.h"
#include "storage/volume.h"

namespace cella::storage {

enum class ArchiveLayout : std::uint8_t {
  kUnified,   // metadata.yaml, templates/, rootfs/
  kMetadata,  // metadata.yaml, templates/
  kRootfs,    // the members are the root file system; they are put below rootfs/
  kBackupIndex,  // a backup, of which only backup/index.yaml is read
  kBackupPart,   // a backup, of which one directory is read: metadata.yaml (may be missing), templates/, rootfs/
  kBackupVolume,  // a backup, of which one directory ("backup/volume") is put below rootfs/, or one file beside it
                  // ("backup/volume.img") becomes rootfs/root.img
};

struct UnpackReport {
  std::string metadata;  // text of metadata.yaml, at most 1 MiB; empty for kRootfs
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;               // of file contents
  std::uint64_t skipped_devices = 0;     // device nodes and sockets, which an unprivileged container never gets
  std::uint64_t skipped_attributes = 0;  // trusted.*, security.* but file capabilities
};

// Reads the whole archive (tar; gzip, xz, lzma, zstd, bzip2 or plain) and checks every member; writes nothing.
// Errors: kInvalid naming the member (absolute name, "..", type changed by a duplicate, link out of the tree, id above
// 65535, no metadata.yaml …) or saying that the archive is damaged; kNoSpace over the limits; kCancelled.
Result<UnpackReport> inspect_archive(const Fd& archive, ArchiveLayout layout, const UnpackLimits& limits,
                                     const Watch& watch);

// The same, unpacking into an existing directory of ours. Ids on disk are the archive's own numbers. Setuid bits, file
// capabilities, POSIX ACLs, user.* attributes, hard links, holes and times are kept.
// Errors: as above; what was written until then stays and is the caller's to remove.
Result<UnpackReport> unpack_archive(const Fd& archive, ArchiveLayout layout, const Fd& directory,
                                    const UnpackLimits& limits, const Watch& watch);

// The text of backup/index.yaml. Errors: as above; kInvalid when there is none.
Result<std::string> read_backup_index(const Fd& archive, const Watch& watch);

// Unpacks metadata.yaml, templates/ and rootfs/ from below `part` ("backup/container") of a backup.
//
// owners: the map whose host ids the archive's owners below rootfs/ are; nullopt: they are the container's own numbers.
// Errors: as above.
Result<UnpackReport> unpack_backup_part(const Fd& archive, const std::string& part, const std::optional<IdMap>& owners,
                                        const Fd& directory, const UnpackLimits& limits, const Watch& watch);
// The same for a volume's files: `part` ("backup/volume") comes to lie in rootfs/, or the file PART.img as
// rootfs/root.img.
Result<UnpackReport> unpack_backup_volume(const Fd& archive, const std::string& part,
                                          const std::optional<IdMap>& owners, const Fd& directory,
                                          const UnpackLimits& limits, const Watch& watch);

enum class RootfsFormat : std::uint8_t { kArchive, kFileSystem };
// Tells a squashfs or erofs by its magic and checks that it is as long as its super block says. Errors: kInvalid when it
// is cut short or of a version that Linux does not mount.
Result<RootfsFormat> detect_rootfs(const Fd& file, const std::string& name);

}  // namespace cella::storage
