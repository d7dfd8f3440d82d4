// The asking side of an SFTP session with a file worker.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "storage/sftp_packet.h"

namespace cella::storage {

// One session. Not thread-safe. Nothing the worker answers is trusted beyond its shape.
// Errors of all calls: by the errno the worker met (kNotFound, kDenied, kExists …) with its text; kTimeout when it does
// not answer within a minute (a FUSE path); kIo when it is gone. After kTimeout or kIo the session is of no more use.
class SftpClient {
 public:
  // Greets the worker. socket: from FileWorker::open_session().
  static Result<SftpClient> open(Fd socket);

  Result<SftpAttributes> stat(const std::string& path);            // follows a link
  Result<SftpAttributes> lstat(const std::string& path);           // does not
  Result<std::vector<std::string>> list(const std::string& path);  // sorted
  Result<std::string> read_link(const std::string& path);

  using Handle = std::string;
  // flags: kSftpRead and on. mode: of a file it makes.
  Result<Handle> open_file(const std::string& path, std::uint32_t flags, std::uint32_t mode);
  Result<SftpAttributes> stat(const Handle& handle, std::string_view what);
  // Up to capacity bytes at offset; 0 at the end of the file.
  Result<std::size_t> read(const Handle& handle, std::uint64_t offset, char* into, std::size_t capacity);
  Result<void> write(const Handle& handle, std::uint64_t offset, std::string_view bytes);
  Result<void> set(const Handle& handle, const SftpAttributes& wanted, std::string_view what);
  Result<void> close(const Handle& handle);

  Result<void> set_path(const std::string& path, const SftpAttributes& wanted);  // follows a link
  Result<void> set_link(const std::string& path, const SftpAttributes& wanted);  // does not
  Result<void> make_directory(const std::string& path, std::uint32_t mode);
  Result<void> make_link(const std::string& target, const std::string& path);
  Result<void> remove_file(const std::string& path);
  Result<void> remove_directory(const std::string& path);

 private:
  explicit SftpClient(Fd socket) : socket_(std::move(socket)) {}
  SftpWriter request(SftpType type);
  Result<std::string> exchange(SftpWriter request);
  // The answer's content behind type and id. Errors: the failure a status tells. end: set for "end of file".
  Result<std::string> ask(SftpWriter request, SftpType expected, bool* end = nullptr);
  Result<void> order(SftpWriter request);
  Result<SftpAttributes> ask_attributes(SftpWriter request);
  Result<bool> add_names(const Handle& handle, std::vector<std::string>& names);

  Fd socket_;
  std::uint32_t id_ = 0;
};

}  // namespace cella::storage
