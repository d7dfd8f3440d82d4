#include "base/rooted.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/syscalls.h"

namespace cella {
namespace {

Result<Fd> open_resolved(const Fd& root, const std::string& path, int flags, unsigned mode, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = resolve;
  for (;;) {
    const int fd = sys_openat2(root.get(), path.c_str(), &how);
    if (fd >= 0) return Fd(fd);
    // The kernel answers EAGAIN when a rename raced with the walk; the next walk decides.
    if (errno != EAGAIN && errno != EINTR) return errno_error(errno, "open " + path);
  }
}

}  // namespace

Result<Fd> open_in_root(const Fd& root, const std::string& path, int flags, unsigned mode) {
  return open_resolved(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Result<Fd> open_beneath(const Fd& root, const std::string& path, int flags, unsigned mode) {
  return open_resolved(root, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

Result<Fd> open_within(const Fd& root, const std::string& path, int flags) {
  return open_resolved(root, path, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

Result<DirFd> make_dirs_in_root(const Fd& root, const std::string& path, const NewDirectory& made) {
  std::string walked;
  Fd current = TRY(open_in_root(root, ".", O_PATH | O_DIRECTORY));
  std::size_t begin = 0;
  while (begin < path.size()) {
    std::size_t end = path.find('/', begin);
    if (end == std::string::npos) end = path.size();
    const std::string part = path.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") return invalid_value("path", path, "\"..\" is not allowed");
    walked += "/" + part;
    const bool fresh = ::mkdirat(current.get(), part.c_str(), made.mode) == 0;
    if (!fresh && errno != EEXIST) return errno_error(errno, "make directory " + walked);
    // Looked up from the root again: the component may be a link, which must resolve inside the root.
    current = TRY(open_in_root(root, walked, O_PATH | O_DIRECTORY));
    if (!fresh) continue;
    if (::fchownat(current.get(), "", made.uid, made.gid, AT_EMPTY_PATH) != 0)
      return errno_error(errno, "change owner of " + walked);
  }
  return DirFd(std::move(current));
}

}  // namespace cella
