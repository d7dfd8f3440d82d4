#include "base/fd.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace cella {

void Fd::reset(int fd) {
  // close(2) on Linux frees the number even when it reports EINTR, so it is never repeated.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<Fd> Fd::duplicate() const {
  const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return errno_error(errno, "duplicate descriptor " + std::to_string(fd_));
  return Fd(copy);
}

Result<Fd> open_path(const std::string& path, int flags, unsigned mode) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return errno_error(errno, "open " + path);
  return Fd(fd);
}

Result<Fd> open_at(const Fd& dir, const std::string& name, int flags, unsigned mode) {
  const int fd = ::openat(dir.get(), name.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return errno_error(errno, "open " + name);
  return Fd(fd);
}

Result<DirFd> open_dir(const std::string& path) { return DirFd(TRY(open_path(path, O_RDONLY | O_DIRECTORY))); }

Result<DirFd> open_dir_at(const Fd& dir, const std::string& name) {
  return DirFd(TRY(open_at(dir, name, O_RDONLY | O_DIRECTORY)));
}

Result<Pipe> make_pipe(int flags) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | flags) != 0) return errno_error(errno, "create pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

}  // namespace cella
