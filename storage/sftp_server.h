// Answers SFTP requests about the files below one root directory. Meant for a confined worker: it acts with the rights
// of its process, and no path leads out of the root.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "storage/sftp_packet.h"

namespace cella::storage {

// One client's session. Not thread-safe. root outlives it.
//
// Only regular files and directories can be opened: a FIFO or a device would block or act. Paths are looked up from
// the root with openat2(2) RESOLVE_IN_ROOT, so absolute links and ".." stay inside. Relative paths start at the root.
// Extensions: posix-rename, hardlink, fsync, lsetstat, statvfs (all @openssh.com). The language tag of a failed status
// is "x-errno-N".
class SftpServer {
 public:
  explicit SftpServer(const Fd& root) : root_(root) {}

  // packet: one request without its length. Returns the whole answer. Errors: kInvalid for a packet that makes no
  // sense: the session is to be ended.
  Result<std::string> answer(std::string_view packet);

 private:
  struct Handle {
    Fd fd;
    std::string path;
    bool directory = false;
    bool listed = false;  // a directory: its names have been read
    std::string names;    // not sent yet, each ended by a zero byte
    std::size_t sent = 0;
  };
  // Operations give the packet to send; an Error becomes a status packet.
  using Reply = Result<std::string>;
  Reply carry_out(SftpType type, std::uint32_t id, SftpReader& reader);
  Reply open(std::uint32_t id, SftpReader& reader);
  Reply open_directory(std::uint32_t id, SftpReader& reader);
  Reply close(std::uint32_t id, SftpReader& reader);
  Reply read(std::uint32_t id, SftpReader& reader);
  Reply write(std::uint32_t id, SftpReader& reader);
  Reply read_directory(std::uint32_t id, SftpReader& reader);
  Reply stat_path(std::uint32_t id, SftpReader& reader, int flags);
  Reply stat_handle(std::uint32_t id, SftpReader& reader);
  Reply set_path(std::uint32_t id, SftpReader& reader, int flags);
  Reply set_handle(std::uint32_t id, SftpReader& reader);
  Reply remove(std::uint32_t id, SftpReader& reader, int flags);
  Reply make_directory(std::uint32_t id, SftpReader& reader);
  Reply real_path(std::uint32_t id, SftpReader& reader);
  Reply rename(std::uint32_t id, SftpReader& reader, unsigned flags);
  Reply read_link(std::uint32_t id, SftpReader& reader);
  Reply make_link(std::uint32_t id, SftpReader& reader);
  Reply extended(std::uint32_t id, SftpReader& reader);
  Reply hard_link(std::uint32_t id, SftpReader& reader);
  Reply sync(std::uint32_t id, SftpReader& reader);
  Reply statvfs(std::uint32_t id, SftpReader& reader);

  std::string remember(std::uint32_t id, Handle handle);
  Result<Handle*> find(SftpReader& reader);

  const Fd& root_;
  std::map<std::string, Handle, std::less<>> handles_;
  std::uint64_t next_handle_ = 0;
};

// "/a/./b//../c" → "/a/c", as SFTP's REALPATH gives it.
std::string clean_path(std::string_view path);

}  // namespace cella::storage
