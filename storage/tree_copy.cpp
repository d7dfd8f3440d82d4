#include "storage/tree_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cerrno>
#include <map>
#include <string>

#include "base/files.h"
#include "storage/file_attributes.h"

namespace cella::storage {
namespace {

struct FileKey {
  dev_t device;
  ino_t inode;
  auto operator<=>(const FileKey&) const = default;
};

class TreeCopy {
 public:
  TreeCopy(const Fd& from, const Fd& to, std::uint64_t expected, const Watch& watch)
      : from_(from), to_(to), expected_(expected), watch_(watch) {}

  Result<CopyReport> run() {
    TRY(copy_directory(from_, to_, ""));
    return report_;
  }

 private:
  // relative: "" or "path/", below both roots; used for hard links and error texts.
  Result<void> copy_directory(const Fd& from, const Fd& to, const std::string& relative) {
    // Every level holds two descriptors and a stack frame; nobody nests so deep in earnest.
    if (depth_ > kDeepest) return Error(ErrorKind::kNoSpace, "copy: directories nested deeper than 1024");
    ++depth_;
    const Result<void> copied = copy_into(from, to, relative);
    --depth_;
    return copied;
  }

  Result<void> copy_into(const Fd& from, const Fd& to, const std::string& relative) {
    struct stat status {};
    if (::fstat(from.get(), &status) != 0) return errno_error(errno, "stat " + relative);
    for (const std::string& name : TRY(list_names(from))) TRY(copy_entry(from, to, relative, name));
    // After the contents: they would touch the times, and a mode of 0555 is no matter to root but kept.
    TRY_CONTEXT("copy /" + relative, copy_attributes(from, to));
    TRY_CONTEXT("copy /" + relative, set_owner_mode_times(to, status));
    return kOk;
  }

  Result<void> copy_entry(const Fd& from, const Fd& to, const std::string& relative, const std::string& name) {
    ++report_.entries;
    if (report_.entries % 64 == 0) TRY(notify());
    const Fd source = TRY_CONTEXT("copy /" + relative, open_at(from, name, O_PATH | O_NOFOLLOW));
    struct stat status {};
    if (::fstat(source.get(), &status) != 0) return errno_error(errno, "stat /" + relative + name);
    if (S_ISDIR(status.st_mode)) return copy_subdirectory(from, to, relative, name);
    TRY_CONTEXT("copy /" + relative + name, copy_leaf(from, to, relative, name, source, status));
    return kOk;
  }

  Result<void> copy_leaf(const Fd& from, const Fd& to, const std::string& relative, const std::string& name,
                         const Fd& source, const struct stat& status) {
    if (status.st_nlink > 1 && TRY(link_to_copy(status, to, relative, name))) return kOk;
    switch (status.st_mode & S_IFMT) {
      case S_IFREG:
        return copy_file(from, to, name, status);
      case S_IFLNK:
        return copy_link(source, to, name, status);
      case S_IFIFO:
        return make_node(source, to, name, status);
      case S_IFCHR:
        // Device 0:0 is overlay's mark of a deleted name.
        if (status.st_rdev == ::makedev(0, 0)) return make_node(source, to, name, status);
        break;
      default:
        break;
    }
    ++report_.skipped_devices;
    return kOk;
  }

  Result<void> copy_subdirectory(const Fd& from, const Fd& to, const std::string& relative, const std::string& name) {
    const std::string context = "copy /" + relative;
    const Fd source = TRY_CONTEXT(context, open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (::mkdirat(to.get(), name.c_str(), 0700) != 0) return errno_error(errno, "mkdir /" + relative + name);
    const Fd target = TRY_CONTEXT(context, open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return copy_directory(source, target, relative + name + "/");
  }

  Result<void> copy_file(const Fd& from, const Fd& to, const std::string& name, const struct stat& status) {
    const Fd source = TRY(open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME));
    const Fd target = TRY(open_at(to, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(copy_contents(source, target, static_cast<std::uint64_t>(status.st_size), watch_.cancelled));
    // Ownership first: chown drops file capabilities.
    TRY(set_owner_mode_times(target, status));
    TRY(copy_attributes(source, target));
    const timespec times[2] = {status.st_atim, status.st_mtim};
    if (::futimens(target.get(), times) != 0) return errno_error(errno, "set times");
    return kOk;
  }

  Result<void> copy_link(const Fd& source, const Fd& to, const std::string& name, const struct stat& status) {
    std::string text(4097, '\0');
    const ssize_t count = ::readlinkat(source.get(), "", text.data(), text.size());
    if (count < 0) return errno_error(errno, "readlink");
    text.resize(static_cast<std::size_t>(count));
    if (::symlinkat(text.c_str(), to.get(), name.c_str()) != 0) return errno_error(errno, "symlink");
    return set_owner_mode_times(TRY(open_at(to, name, O_PATH | O_NOFOLLOW)), status);
  }

  Result<void> make_node(const Fd& source, const Fd& to, const std::string& name, const struct stat& status) {
    if (::mknodat(to.get(), name.c_str(), (status.st_mode & S_IFMT) | 0600, status.st_rdev) != 0)
      return errno_error(errno, "mknod");
    const Fd target = TRY(open_at(to, name, O_PATH | O_NOFOLLOW));
    TRY(set_owner_mode_times(target, status));
    return copy_attributes(source, target);
  }

  // True when the file was copied under another name before and has been linked to that.
  Result<bool> link_to_copy(const struct stat& status, const Fd& to, const std::string& relative,
                            const std::string& name) {
    const auto [entry, first] = links_.try_emplace(FileKey{status.st_dev, status.st_ino}, relative + name);
    if (first) return false;
    if (::linkat(to_.get(), entry->second.c_str(), to.get(), name.c_str(), 0) == 0) return true;
    const int saved = errno;
    if (saved == EMLINK) return false;
    return errno_error(saved, "link to " + entry->second);
  }

  Result<void> notify() {
    if (watch_.cancelled && watch_.cancelled()) return Error(ErrorKind::kCancelled, "copy");
    if (watch_.progress) watch_.progress(report_.entries, expected_ > report_.entries ? expected_ : report_.entries);
    return kOk;
  }

  const Fd& from_;
  const Fd& to_;
  std::uint64_t expected_;
  const Watch& watch_;
  CopyReport report_;
  static constexpr unsigned kDeepest = 1024;
  unsigned depth_ = 0;
  std::map<FileKey, std::string> links_;
};

}  // namespace

Result<CopyReport> copy_tree(const Fd& from, const Fd& to, std::uint64_t expected_entries, const Watch& watch) {
  return TreeCopy(from, to, expected_entries, watch).run();
}

}  // namespace cella::storage
