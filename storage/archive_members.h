// Which archive members are acceptable and where they go: values only, no file is touched.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "storage/unpack.h"

namespace cella::storage {

enum class MemberType : std::uint8_t { kFile, kDirectory, kSymlink, kFifo, kDevice, kSocket, kHardLink };

enum class MemberPart : std::uint8_t { kMetadata, kTemplate, kRootfs, kIgnored };

// A member's name, made plain: "rootfs/etc/passwd". Never absolute, no "." or ".." or empty component.
struct MemberPath {
  std::string path;  // empty: the archive's own top directory
  MemberPart part = MemberPart::kIgnored;
};

// "./rootfs//etc/passwd" → rootfs/etc/passwd. For kRootfs archives "rootfs/" is put before.
// Errors: kInvalid naming the member: absolute, "..", longer than 4095 bytes or a component longer than 255.
// backup_part: for kBackupPart, the directory whose members count ("backup/container").
Result<MemberPath> plain_member_path(std::string_view name, ArchiveLayout layout, std::string_view backup_part = {});

enum class MemberAction : std::uint8_t { kMake, kReplace, kMerge };  // kMerge: a directory seen before

// Everything seen of one archive so far, to refuse what would lead outside or change its nature.
class MemberIndex {
 public:
  // Errors: kInvalid when a parent is a link or file, or the same name came before as something else.
  Result<MemberAction> add(const MemberPath& member, MemberType type);
  // target: the plain path of what a hard link names. Errors: kInvalid when no such file came before.
  Result<MemberAction> add_hard_link(const MemberPath& member, const MemberPath& target);
  bool has_directory(const std::string& path) const;
  // Device nodes and sockets are counted but never made.
  bool is_device(const std::string& path) const;
  std::size_t size() const { return seen_.size(); }

 private:
  Result<void> add_parents(const std::string& path);
  std::unordered_map<std::string, MemberType> seen_;
};

// What of a type may stand in a part: only plain files and directories in templates/, a plain file as metadata.yaml, a
// real directory as rootfs.
Result<void> check_member_type(const MemberPath& member, MemberType type);

// The text of a symbolic link. Where it points does not matter (nothing follows it), but it must be one.
Result<void> check_link_text(const MemberPath& member, std::string_view text);

}  // namespace cella::storage
