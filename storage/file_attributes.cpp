#include "storage/file_attributes.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/files.h"

namespace cella::storage {
namespace {

// xattr calls take no O_PATH descriptor; its /proc name leads to the same file without looking anything up again.
std::string proc_name(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

Result<std::string> attribute_names(const std::string& path) {
  std::string names(4096, '\0');
  for (;;) {
    const ssize_t count = ::listxattr(path.c_str(), names.data(), names.size());
    if (count >= 0) {
      names.resize(static_cast<std::size_t>(count));
      return names;
    }
    if (errno == EOPNOTSUPP) return std::string();
    if (errno != ERANGE || names.size() >= 65536) return errno_error(errno, "listxattr");
    names.resize(65536);
  }
}

Result<void> copy_attribute(const std::string& from, const std::string& to, const char* name, std::string& buffer) {
  const ssize_t count = ::getxattr(from.c_str(), name, buffer.data(), buffer.size());
  if (count < 0 && (errno == ENODATA || errno == EOPNOTSUPP)) return kOk;
  if (count < 0) return errno_error(errno, std::string("getxattr ") + name);
  if (::setxattr(to.c_str(), name, buffer.data(), static_cast<std::size_t>(count), 0) == 0) return kOk;
  const int saved = errno;
  // Security labels belong to the host's policy and may be refused by the target's file system.
  if (saved == EOPNOTSUPP && std::string_view(name).starts_with("security.")) return kOk;
  return errno_error(saved, std::string("setxattr ") + name);
}

// erofs, and squashfs on older kernels, do not tell where files have holes: blocks of zeros become holes.
Result<void> copy_without_zeros(const Fd& from, const Fd& to, off_t end) {
  std::string block(1u << 16, '\0');
  const std::string zeros(block.size(), '\0');
  for (off_t at = 0; at < end;) {
    const ssize_t count = ::pread(from.get(), block.data(), block.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "read");
    if (count == 0) break;  // the source got shorter meanwhile
    const std::string_view data(block.data(), static_cast<std::size_t>(count));
    if (data != std::string_view(zeros).substr(0, data.size())) {
      if (::lseek(to.get(), at, SEEK_SET) < 0) return errno_error(errno, "lseek");
      TRY(write_all(to, data));
    }
    at += count;
  }
  return kOk;
}

bool hides_holes(const Fd& file) {
  struct statfs status {};
  return ::fstatfs(file.get(), &status) == 0 &&
         (status.f_type == SQUASHFS_MAGIC || status.f_type == EROFS_SUPER_MAGIC_V1);
}

// At once, so that a copy can be cancelled in a big file.
constexpr std::size_t kCopiedAtOnce = 64u << 20;

Result<void> copy_range(const Fd& from, const Fd& to, off_t offset, off_t end,
                        const std::function<bool()>& cancelled) {
  off_t in = offset;
  off_t out = offset;
  bool ranges = true;
  while (in < end) {
    if (cancelled && cancelled()) return Error(ErrorKind::kCancelled, "copy");
    const std::size_t wanted = std::min(static_cast<std::size_t>(end - in), kCopiedAtOnce);
    ssize_t count = 0;
    if (ranges) {
      count = ::copy_file_range(from.get(), &in, to.get(), &out, wanted, 0);
      if (count < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
        ranges = false;
        continue;
      }
    } else {
      if (::lseek(to.get(), in, SEEK_SET) < 0) return errno_error(errno, "lseek");
      count = ::sendfile(to.get(), from.get(), &in, wanted);
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "copy contents");
    if (count == 0) return kOk;  // the source got shorter meanwhile
  }
  return kOk;
}

}  // namespace

Result<void> copy_attributes(const Fd& from, const Fd& to) {
  const std::string source = proc_name(from);
  const std::string names = TRY(attribute_names(source));
  if (names.empty()) return kOk;
  const std::string target = proc_name(to);
  std::string buffer(65536, '\0');
  for (std::size_t at = 0; at < names.size(); at += std::string_view(names.data() + at).size() + 1)
    TRY(copy_attribute(source, target, names.data() + at, buffer));
  return kOk;
}

Result<void> set_owner_mode_times(const Fd& to, const struct stat& status) {
  if (::fchownat(to.get(), "", status.st_uid, status.st_gid, AT_EMPTY_PATH) != 0) return errno_error(errno, "chown");
  const std::string path = proc_name(to);
  if (!S_ISLNK(status.st_mode) && ::chmod(path.c_str(), status.st_mode & 07777) != 0)
    return errno_error(errno, "chmod");
  const timespec times[2] = {status.st_atim, status.st_mtim};
  if (::utimensat(to.get(), "", times, AT_EMPTY_PATH) != 0) return errno_error(errno, "set times");
  return kOk;
}

Result<void> copy_contents(const Fd& from, const Fd& to, std::uint64_t size,
                           const std::function<bool()>& cancelled) {
  if (size == 0) return kOk;
  if (::ioctl(to.get(), FICLONE, from.get()) == 0) return kOk;
  off_t at = 0;
  const off_t end = static_cast<off_t>(size);
  const bool scan = hides_holes(from);
  if (scan) TRY(copy_without_zeros(from, to, end));
  while (!scan && at < end) {
    const off_t data = ::lseek(from.get(), at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // only a hole is left
    const off_t start = data < 0 ? at : data;
    const off_t hole = data < 0 ? -1 : ::lseek(from.get(), start, SEEK_HOLE);
    const off_t stop = hole < 0 || hole > end ? end : hole;
    TRY(copy_range(from, to, start, stop, cancelled));
    at = stop;
  }
  if (::ftruncate(to.get(), end) != 0) return errno_error(errno, "ftruncate");
  return kOk;
}

}  // namespace cella::storage
