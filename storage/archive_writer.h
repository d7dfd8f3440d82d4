// Tar archives written: images and backups. Reads file trees that nobody changes meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "storage/volume.h"

namespace cella::storage {

enum class CompressionMethod : std::uint8_t { kNone, kGzip, kZstd, kXz, kLzma, kBzip2 };

struct Compression {
  CompressionMethod method = CompressionMethod::kGzip;
  std::optional<int> level;  // the method's own scale; nullopt: its default
  bool operator==(const Compression&) const = default;
};

// "none", "gzip", "zstd -9", "xz -T0 -6" …: a method, then options of which only the level counts.
// Errors: kInvalid naming key and value; kUnsupported for methods that LXD knows and this does not (squashfs).
Result<Compression> parse_compression(std::string_view key, std::string_view text);

// One archive in pax format. Not thread-safe.
class ArchiveWriter {
 public:
  // Writes from the file's present offset.
  static Result<ArchiveWriter> open(const Fd& file, const Compression& compression);
  ~ArchiveWriter();
  ArchiveWriter(ArchiveWriter&&) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) noexcept;

  // A plain file of root's, 0644.
  Result<void> add_text(const std::string& name, std::string_view text);
  // A directory of root's, 0755.
  Result<void> add_directory(const std::string& name);
  // The directory as `name` and everything below it: owners as they are, modes, times, attributes, ACLs, links and
  // holes. Device nodes and sockets are left out. Errors: kNoSpace, kCancelled, kIo naming the file.
  Result<void> add_tree(const std::string& name, const Fd& directory, const Watch& watch);
  // What `leaf` of the directory is, as `name`. Errors: as add_tree().
  Result<void> add_member(const std::string& name, const Fd& directory, const std::string& leaf, const Watch& watch);
  // Writes the end; without it the archive is not whole.
  Result<void> finish();

 private:
  struct State;
  explicit ArchiveWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cella::storage
