#include "namespaces/target.h"

#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/syscalls.h"
#include "namespaces/mount_apply.h"

namespace cella::namespaces {
namespace {

// A path split at its last slash, in place of strings that would allocate.
struct SplitPath {
  char parent[PATH_MAX];
  const char* name;
};

bool split(const char* path, SplitPath& out) noexcept {
  const std::size_t length = std::strlen(path);
  if (length == 0 || length >= PATH_MAX) return false;
  const char* slash = static_cast<const char*>(memrchr(path, '/', length));
  out.name = slash == nullptr ? path : slash + 1;
  const std::size_t parent_length = slash == nullptr ? 0 : static_cast<std::size_t>(slash - path);
  std::memcpy(out.parent, path, parent_length);
  out.parent[parent_length] = '\0';
  return *out.name != '\0';
}

// mkdir -p: each component is made beside its parent's descriptor and then looked up again from the root, because an
// existing one may be a link, which must resolve inside the root. Returns the last directory O_PATH, or -1 with errno.
int make_directories(int root, const char* path, TargetLinks links, mode_t mode) noexcept {
  char walked[PATH_MAX];
  const std::size_t length = std::strlen(path);
  if (length >= sizeof walked) return errno = ENAMETOOLONG, -1;
  std::memcpy(walked, path, length + 1);
  int current = open_target(root, ".", links);
  for (char* begin = walked; current >= 0 && *begin != '\0';) {
    char* end = std::strchr(begin, '/');
    if (end != nullptr) *end = '\0';
    if (*begin != '\0') {
      const bool made = ::mkdirat(current, begin, mode) == 0 || errno == EEXIST;
      const int failed = errno;
      ::close(current);
      if (!made) return errno = failed, -1;
      current = open_target(root, walked, links, O_DIRECTORY);
    }
    if (end == nullptr) break;
    *end = '/';
    begin = end + 1;
  }
  return current;
}

int make_file(int root, const MountStep& step, mode_t mode) noexcept {
  SplitPath path;
  if (!split(step.target.c_str(), path)) return ENAMETOOLONG;
  const int parent = make_directories(root, path.parent, step.links, 0755);
  if (parent < 0) return errno;
  const int file = ::openat(parent, path.name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, mode);
  const int failed = file < 0 && errno != EEXIST ? errno : 0;
  if (file >= 0) ::close(file);
  ::close(parent);
  return failed;
}

int make_symlink(int root, const MountStep& step) noexcept {
  SplitPath path;
  if (!split(step.target.c_str(), path)) return ENAMETOOLONG;
  const int parent = make_directories(root, path.parent, step.links, 0755);
  if (parent < 0) return errno;
  const int failed = ::symlinkat(step.source.c_str(), parent, path.name) != 0 && errno != EEXIST ? errno : 0;
  ::close(parent);
  return failed;
}

int make_directory(int root, const MountStep& step, mode_t mode) noexcept {
  const int directory = make_directories(root, step.target.c_str(), step.links, mode);
  if (directory < 0) return errno;
  ::close(directory);
  return 0;
}

}  // namespace

int open_target(int root, const char* path, TargetLinks links, int flags) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(O_PATH | O_CLOEXEC | flags);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  if (links == TargetLinks::kRefuse) how.resolve |= RESOLVE_NO_SYMLINKS;
  int fd = -1;
  // EAGAIN: a rename raced with the walk; the next walk decides.
  do fd = sys_openat2(root, path, &how);
  while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  return fd;
}

int make_target(int root, const MountStep& step) noexcept {
  if (step.action == MountAction::kDirectory) return make_directory(root, step, step.mode);
  if (step.action == MountAction::kFile) return make_file(root, step, step.mode);
  return make_symlink(root, step);
}

int open_or_make_target(int root, const MountStep& step) noexcept {
  int target = open_target(root, step.target.c_str(), step.links);
  if (target >= 0 || errno != ENOENT || step.missing == MissingTarget::kFail) return target;
  const int failed =
      step.missing == MissingTarget::kMakeDirectory ? make_directory(root, step, 0755) : make_file(root, step, 0644);
  if (failed != 0) return errno = failed, -1;
  return open_target(root, step.target.c_str(), step.links);
}

}  // namespace cella::namespaces
