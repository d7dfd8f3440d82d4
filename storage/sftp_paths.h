// What SFTP requests do with a path below a root: looking up, and changing attributes.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/fd.h"
#include "storage/sftp_packet.h"

namespace cella::storage {

// "" and "." are the root itself.
std::string rooted(const std::string& path);

// A name in a directory that is held open; the name is no link, "." or "..".
struct Place {
  Fd directory;
  std::string name;
  std::string path;  // for messages
};
// Errors: kInvalid (EINVAL) when the path has no last name; as open_in_root() for the directory.
Result<Place> place_of(const Fd& root, const std::string& path);

Result<struct stat> facts_of(const Fd& fd, const std::string& path);
SftpAttributes attributes_of(const struct stat& facts);

// Owner before mode, because a change of owner clears setuid. flags: O_NOFOLLOW for the link itself (its mode and size
// are left alone: links have none).
Result<void> set_attributes(const Fd& root, const std::string& path, const SftpAttributes& wanted, int flags);
// The same for an open file.
Result<void> set_attributes(const Fd& file, const std::string& path, const SftpAttributes& wanted);

}  // namespace cella::storage
