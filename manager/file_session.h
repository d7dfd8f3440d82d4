// What can be done to the files of one root, in the terms of the files API.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "manager/operation.h"

namespace cella::manager {

enum class FileKind : std::uint8_t { kFile, kDirectory, kSymlink, kOther };

struct FileFacts {
  FileKind kind = FileKind::kFile;
  std::uint32_t user = 0;  // as the instance sees them
  std::uint32_t group = 0;
  std::uint32_t mode = 0;  // permission bits
  std::uint64_t size = 0;  // bytes
  Timestamp modified;
};

// Absent: for a new file root, root and a default mode; for an existing one what it has.
struct FileOwnership {
  std::optional<std::uint32_t> user;
  std::optional<std::uint32_t> group;
  std::optional<std::uint32_t> mode;
};

enum class FileWrite : std::uint8_t { kReplace, kAppend };

// Fills a buffer with the next bytes; 0 at the end.
using ByteSource = std::function<Result<std::size_t>(char* into, std::size_t capacity)>;

// A file being read. Movable; keeps its session.
class OpenedFile {
 public:
  struct State;
  explicit OpenedFile(std::shared_ptr<State> state);
  std::uint64_t size() const;  // when it was opened; 0 also for files of /proc that do not tell
  // The next bytes, 0 at the end.
  Result<std::size_t> read(char* into, std::size_t capacity);

 private:
  std::shared_ptr<State> state_;
};

// One session with a worker. Movable, not thread-safe. Paths start at the root whether absolute or not; no path leads
// out. Errors: by what the kernel said (kNotFound, kDenied, kExists, …), kTimeout, kIo when the worker was ended.
class FileSession {
 public:
  struct Parts;
  // Greets the worker at the other end. keep: whatever must live as long as the session.
  static Result<FileSession> open(Fd socket, std::shared_ptr<void> keep);
  explicit FileSession(std::unique_ptr<Parts> parts);
  FileSession(FileSession&&) noexcept;
  FileSession& operator=(FileSession&&) noexcept;
  ~FileSession();

  Result<FileFacts> facts(const std::string& path);                // of a link itself
  Result<std::vector<std::string>> list(const std::string& path);  // sorted
  Result<std::string> read_link(const std::string& path);
  // Takes the session over until the file is dropped.
  static Result<OpenedFile> read(FileSession session, const std::string& path);
  // Errors: also kUnsupported for what is no regular file.
  Result<void> write(const std::string& path, FileWrite how, const FileOwnership& ownership, const ByteSource& source);
  // An existing directory is success and stays as it is.
  Result<void> make_directory(const std::string& path, const FileOwnership& ownership);
  // The same for every missing directory above path (0755, root).
  Result<void> make_parents(const std::string& path);
  // An existing link to the same target is success.
  Result<void> make_link(const std::string& path, const std::string& target, const FileOwnership& ownership);
  // A file, link or empty directory.
  Result<void> remove(const std::string& path);

 private:
  friend struct OpenedFile::State;
  std::unique_ptr<Parts> parts_;
};

}  // namespace cella::manager
