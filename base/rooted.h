// Opening paths that someone else controls (a container, an image, an archive) without ever leaving a root.
#pragma once

#include <string>

#include "base/fd.h"

namespace cella {

// Opens path as a process chrooted in root would see it: absolute links and ".." stay inside, magic links fail.
// flags, mode: as open(2); O_CLOEXEC is added. Errors: kNotFound, kDenied for a magic link (ELOOP → kIo).
// Source: openat2(2), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS (Linux 5.6).
Result<Fd> open_in_root(const Fd& root, const std::string& path, int flags, unsigned mode = 0);

// Opens path below root and fails on any symbolic link, "..", absolute name or mount crossing: for our own trees.
// Source: openat2(2), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV.
Result<Fd> open_beneath(const Fd& root, const std::string& path, int flags, unsigned mode = 0);

// Opens path below root, following links as long as they stay beneath it: a link out, an absolute one, ".." out of root
// and a magic link fail (EXDEV, ELOOP).
// Source: openat2(2), RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS.
Result<Fd> open_within(const Fd& root, const std::string& path, int flags);

// Makes every missing directory of path inside root, one component at a time, following no link out of root, and
// returns the last one opened O_PATH|O_DIRECTORY. mode, uid, gid: for the directories it makes.
struct NewDirectory {
  unsigned mode = 0755;
  unsigned uid = 0;
  unsigned gid = 0;
};
Result<DirFd> make_dirs_in_root(const Fd& root, const std::string& path, const NewDirectory& made);

}  // namespace cella
