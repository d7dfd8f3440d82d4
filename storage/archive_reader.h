// Tar archives member by member, through libarchive. Runs in the unpack worker only.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "storage/archive_members.h"

namespace cella::storage {

struct ArchiveMember {
  std::string name;  // as in the archive
  MemberType type = MemberType::kFile;
  std::string link;        // target of a symbolic or hard link, as in the archive
  std::uint32_t mode = 0;  // permission bits with setuid, setgid, sticky
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::uint64_t size = 0;
  timespec modified{};
  std::vector<std::pair<std::string, std::string>> attributes;  // all of them, ACLs encoded as system.posix_acl_*
};

// One block of a file's contents. Holes are not given.
struct DataBlock {
  const void* data = nullptr;
  std::size_t size = 0;
  std::int64_t offset = 0;
};

class ArchiveReader {
 public:
  // Reads from the descriptor's present offset. Errors: kInvalid when it is no tar archive.
  static Result<ArchiveReader> open(const Fd& file);
  ~ArchiveReader();
  ArchiveReader(ArchiveReader&&) noexcept;
  ArchiveReader& operator=(ArchiveReader&&) noexcept;

  // The next member; false at the end. Errors: kInvalid for a damaged archive.
  Result<bool> next(ArchiveMember& member);
  // The next block of the present member; false after the last.
  Result<bool> next_block(DataBlock& block);
  // Bytes of the (compressed) file read so far.
  std::uint64_t consumed() const;
  // Whether the file is a tar without compression.
  bool plain() const;

 private:
  struct State;
  explicit ArchiveReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cella::storage
