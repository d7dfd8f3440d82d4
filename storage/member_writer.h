// Puts archive members onto the file system below one directory. Runs in the unpack worker, as root of its own user
// namespace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "storage/archive_reader.h"

namespace cella::storage {

// Every name is resolved beneath the root without following any link (openat2); new files are made with O_EXCL.
// finish() must be called last: directories get their times then.
class MemberWriter {
 public:
  explicit MemberWriter(const Fd& root) : root_(root) {}

  // Makes the member; contents of a file come from reader.
  Result<void> write(const MemberPath& path, const ArchiveMember& member, MemberAction action, ArchiveReader& reader);
  Result<void> link(const MemberPath& path, const MemberPath& target, MemberAction action);
  Result<void> finish();

  std::uint64_t skipped_attributes() const { return skipped_attributes_; }

 private:
  struct Parent {
    const Fd& fd;
    std::string name;
  };
  Result<Parent> open_parent(const std::string& path);
  Result<void> make_parents(const std::string& directory);
  Result<void> write_file(const Parent& parent, const ArchiveMember& member, ArchiveReader& reader);
  Result<void> write_directory(const Parent& parent, const MemberPath& path, const ArchiveMember& member);
  Result<void> write_other(const Parent& parent, const ArchiveMember& member);
  Result<void> set_attributes(const Fd& file, const ArchiveMember& member);

  const Fd& root_;
  std::string parent_path_;
  Fd parent_;
  struct DirectoryTime {
    std::string path;
    timespec modified;
  };
  std::vector<DirectoryTime> times_;
  std::uint64_t skipped_attributes_ = 0;
};

}  // namespace cella::storage
