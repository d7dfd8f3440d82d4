#include "storage/tree_removal.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/rooted.h"

namespace cella::storage {
namespace {

constexpr int kMaxDepth = 64;

class Removal {
 public:
  Removal(const Fd& top, const SpecialRemoval& special, const std::function<bool()>& stop)
      : top_(top), special_(special), stop_(stop) {}

  Result<void> remove(const std::string& name) {
    pending_.push_back(name);
    while (!pending_.empty()) {
      const std::string next = std::move(pending_.back());
      pending_.pop_back();
      TRY(remove_at(top_, next, 0));
    }
    return kOk;
  }

 private:
  Result<void> remove_at(const Fd& dir, const std::string& name, int depth) {
    if (stop_ && stop_()) return Error(ErrorKind::kCancelled, "remove " + name);
    if (::unlinkat(dir.get(), name.c_str(), 0) == 0 || errno == ENOENT) return kOk;
    if (errno == EISDIR || errno == EPERM) {
      if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) == 0) return kOk;
      if (errno == ENOTDIR) return remove_protected_file(dir, name);
      return remove_directory(dir, name, depth);
    }
    return errno_error(errno, "remove " + name);
  }

  Result<void> remove_directory(const Fd& dir, const std::string& name, int depth) {
    if (special_ && special_(dir, name)) return kOk;
    if (depth >= kMaxDepth) return move_up(dir, name);
    const Fd child = TRY(open_beneath(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    clear_protection(child);
    TRY(remove_contents(child, depth));
    if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return kOk;
    const int saved = errno;
    if (special_ && special_(dir, name)) return kOk;
    return errno_error(saved, "remove directory " + name);
  }

  Result<void> remove_contents(const Fd& child, int depth) {
    Fd own = TRY(open_at(child, ".", O_RDONLY | O_DIRECTORY));
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own.get()), ::closedir);
    if (!stream) return errno_error(errno, "list directory");
    own.release();
    // Entries removed while reading are never seen twice; ones that a file system hides meanwhile are caught by rmdir.
    while (const dirent* entry = ::readdir(stream.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") TRY(remove_at(child, name, depth + 1));
    }
    return kOk;
  }

  Result<void> move_up(const Fd& dir, const std::string& name) {
    static std::atomic<unsigned> number{0};
    const std::string moved = "deep-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
    if (::renameat(dir.get(), name.c_str(), top_.get(), moved.c_str()) != 0)
      return errno_error(errno, "rename " + name);
    pending_.push_back(moved);
    return kOk;
  }

  static void clear_protection(const Fd& file) {
    int flags = 0;
    if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) != 0 || (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) == 0) return;
    flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
    ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags);
  }

  static Result<void> remove_protected_file(const Fd& dir, const std::string& name) {
    const Fd file = TRY(open_beneath(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    clear_protection(file);
    if (::unlinkat(dir.get(), name.c_str(), 0) == 0) return kOk;
    return errno_error(errno, "remove " + name);
  }

  const Fd& top_;
  const SpecialRemoval& special_;
  const std::function<bool()>& stop_;
  std::vector<std::string> pending_;
};

}  // namespace

Result<void> remove_deep_tree(const Fd& dir, const std::string& name, const SpecialRemoval& special,
                              const std::function<bool()>& stop) {
  return Removal(dir, special, stop).remove(name);
}

}  // namespace cella::storage
