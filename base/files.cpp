#include "base/files.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rooted.h"
#include "base/syscalls.h"

namespace cella {
namespace {

Result<std::string> read_named(Result<Fd> fd, const std::string& name, std::size_t max_bytes) {
  return TRY_CONTEXT(name, read_to_end(TRY(std::move(fd)), max_bytes));
}

Result<void> write_once(const Fd& fd, const std::string& name, std::string_view value) {
  const ssize_t written = ::write(fd.get(), value.data(), value.size());
  const int saved = errno;
  if (written == static_cast<ssize_t>(value.size())) return kOk;
  std::string what = "write \"" + std::string(value.substr(0, 200)) + "\" to " + name;
  if (written < 0) return errno_error(saved, std::move(what));
  return Error(ErrorKind::kIo, what + ": short write");
}

Result<void> remove_contents(const Fd& dir) {
  for (const std::string& name : TRY(list_names(dir))) TRY(remove_tree_at(dir, name));
  return kOk;
}

}  // namespace

Result<std::string> read_to_end(const Fd& fd, std::size_t max_bytes) {
  std::string data;
  char buffer[8192];
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "read");
    if (count == 0) return data;
    if (data.size() + static_cast<std::size_t>(count) > max_bytes)
      return Error(ErrorKind::kNoSpace, "read: larger than " + std::to_string(max_bytes) + " bytes");
    data.append(buffer, static_cast<std::size_t>(count));
  }
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  return read_named(open_path(path, O_RDONLY), path, max_bytes);
}

Result<std::string> read_file_at(const Fd& dir, const std::string& name, std::size_t max_bytes) {
  return read_named(open_at(dir, name, O_RDONLY), name, max_bytes);
}

Result<void> write_all(const Fd& fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t count = ::write(fd.get(), data.data(), data.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "write");
    data.remove_prefix(static_cast<std::size_t>(count));
  }
  return kOk;
}

Result<void> write_kernel_file_at(const Fd& dir, const std::string& name, std::string_view value) {
  return write_once(TRY(open_at(dir, name, O_WRONLY)), name, value);
}

Result<void> write_kernel_file(const std::string& path, std::string_view value) {
  return write_once(TRY(open_path(path, O_WRONLY)), path, value);
}

Result<void> replace_file_at(const Fd& dir, const std::string& name, std::string_view data, unsigned mode) {
  const std::string temporary = name + ".new";
  {
    const Fd fd = TRY(open_at(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
    TRY_CONTEXT(temporary, write_all(fd, data));
    TRY(sync_fd(fd, temporary));
  }
  if (::renameat(dir.get(), temporary.c_str(), dir.get(), name.c_str()) != 0)
    return errno_error(errno, "rename " + temporary + " to " + name);
  return sync_fd(dir, name);
}

Result<void> make_dirs(const std::string& path, unsigned mode) {
  for (std::size_t end = 1; end <= path.size(); ++end) {
    if (end != path.size() && path[end] != '/') continue;
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) return errno_error(errno, "make directory " + part);
  }
  return kOk;
}

Result<void> make_dir_at(const Fd& dir, const std::string& name, unsigned mode) {
  if (::mkdirat(dir.get(), name.c_str(), mode) != 0) return errno_error(errno, "make directory " + name);
  return kOk;
}

Result<void> remove_tree_at(const Fd& dir, const std::string& name) {
  if (::unlinkat(dir.get(), name.c_str(), 0) == 0 || errno == ENOENT) return kOk;
  // Linux answers EISDIR for a directory; other file systems may say EPERM.
  if (errno != EISDIR && errno != EPERM) return errno_error(errno, "remove " + name);
  if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) == 0) return kOk;
  if (errno != ENOTEMPTY && errno != EEXIST) return errno_error(errno, "remove directory " + name);
  const Fd child = TRY(open_beneath(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY(remove_contents(child));
  if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) != 0) return errno_error(errno, "remove directory " + name);
  return kOk;
}

Result<std::vector<std::string>> list_names(const Fd& dir) {
  // fdopendir takes the descriptor and moves its offset, so it gets an open file description of its own.
  Fd own = TRY(open_at(dir, ".", O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own.get()), ::closedir);
  if (!stream) return errno_error(errno, "list directory");
  own.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return errno_error(errno, "list directory");
  return names;
}

bool exists_at(const Fd& dir, const std::string& name) {
  struct stat status {};
  return ::fstatat(dir.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

bool path_exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

Result<void> sync_fd(const Fd& fd, std::string_view object) {
  if (::fsync(fd.get()) != 0) return errno_error(errno, "sync " + std::string(object));
  return kOk;
}

}  // namespace cella
