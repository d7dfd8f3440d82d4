#include "manager/socket_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

namespace cella::manager {

Result<void> give_rights(const std::string& path, const SocketFileRights& rights) {
  const Fd node(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat found {};
  if (!node || ::fstat(node.get(), &found) != 0) return errno_error(errno, "open " + path);
  if (!S_ISSOCK(found.st_mode)) return Error(ErrorKind::kInvalid, path + ": another file has taken the socket's place");
  if (::fchownat(node.get(), "", rights.user, rights.group, AT_EMPTY_PATH) != 0) return errno_error(errno, "chown " + path);
  // fchmod() refuses O_PATH descriptors.
  if (::chmod(("/proc/self/fd/" + std::to_string(node.get())).c_str(), rights.mode) != 0) {
    return errno_error(errno, "chmod " + path);
  }
  return kOk;
}

}  // namespace cella::manager
