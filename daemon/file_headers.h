// The X-LXD-* headers of the files API.
#pragma once

#include <string>

#include "daemon/message.h"
#include "manager/file_session.h"

namespace cella::daemon {

// What a POST asks for.
struct FileUpload {
  manager::FileKind kind = manager::FileKind::kFile;
  manager::FileWrite write = manager::FileWrite::kReplace;
  manager::FileOwnership ownership;
};

// X-LXD-uid and -gid (decimal), -mode (octal, "0644"), -type (file, directory, symlink), -write (overwrite, append).
// Errors: kInvalid naming header and value.
Result<FileUpload> parse_file_headers(const Request& request);

// The same headers for an answer, with X-LXD-modified as LXD writes it ("2026-11-23 05:22:21 +0000 UTC").
Headers file_headers(const manager::FileFacts& facts);

// A link's target as seen from the root: "../b" in "/x/a/l" is "/x/b".
std::string absolute_target(const std::string& link, const std::string& target);

}  // namespace cella::daemon
