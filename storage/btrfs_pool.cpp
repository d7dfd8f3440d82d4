#include "storage/btrfs_pool.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>

#include "base/files.h"
#include "base/spawn.h"
#include "storage/btrfs_subvolume.h"
#include "storage/filesystem_mount.h"
#include "storage/loop_device.h"

namespace cella::storage {
namespace {

// mkfs.btrfs refuses less than 109 MiB; rounded up.
constexpr std::uint64_t kSmallest = 115ull << 20;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

Result<void> format(const std::string& path) {
  TRY_CONTEXT("mkfs.btrfs " + path,
              run_checked(Program{.path = "mkfs.btrfs", .arguments = {"--quiet", "--force", "--", path}}));
  return kOk;
}

Result<Bytes> loop_size(const PoolSpec& spec) {
  if (spec.size.value != 0) {
    if (spec.size.value >= kSmallest) return spec.size;
    return invalid_value("size", std::to_string(spec.size.value), "a btrfs needs at least 115MiB");
  }
  struct statvfs status {};
  const std::string parent = parent_of(spec.source);
  if (::statvfs(parent.c_str(), &status) != 0) return errno_error(errno, "statvfs " + parent);
  return default_loop_size(Bytes{std::uint64_t{status.f_bavail} * status.f_frsize});
}

Result<void> make_loop_file(const PoolSpec& spec, Rollback& rollback) {
  TRY(make_dirs(parent_of(spec.source), 0700));
  const Bytes size = TRY(loop_size(spec));
  const Fd file = TRY(open_path(spec.source, O_RDWR | O_CREAT | O_EXCL, 0600));
  rollback.add([path = spec.source] { ::unlink(path.c_str()); });
  // Sparse: blocks are taken as the pool fills.
  if (::ftruncate(file.get(), static_cast<off_t>(size.value)) != 0)
    return errno_error(errno, "ftruncate " + spec.source + " to " + std::to_string(size.value));
  return format(spec.source);
}

// A device is formatted only when nothing can be lost: its first MiB, where every file system and partition table puts
// its mark, is all zero.
Result<void> check_blank(const Fd& device, const std::string& path) {
  std::string start(1u << 20, '\0');
  const ssize_t count = ::pread(device.get(), start.data(), start.size(), 0);
  if (count < 0) return errno_error(errno, "read " + path);
  start.resize(static_cast<std::size_t>(count));
  if (std::all_of(start.begin(), start.end(), [](char c) { return c == 0; })) return kOk;
  return invalid_value("source", path, "the device is not empty; source.wipe=true formats it all the same");
}

Result<void> check_directory(const std::string& path) {
  const DirFd directory = TRY(open_dir(path));
  if (!TRY(is_on_btrfs(directory))) return invalid_value("source", path, "not on a btrfs file system");
  return kOk;
}

}  // namespace

Bytes default_loop_size(Bytes free) {
  return Bytes{std::clamp<std::uint64_t>(free.value / 5, 5ull << 30, 30ull << 30)};
}

Result<BtrfsSource> btrfs_source(const PoolSpec& spec) {
  if (spec.source.empty() || spec.source[0] != '/') return invalid_value("source", spec.source, "not an absolute path");
  struct stat status {};
  if (::stat(spec.source.c_str(), &status) != 0) {
    const int saved = errno;
    if (saved == ENOENT) return BtrfsSource::kLoopFile;
    return errno_error(saved, "stat " + spec.source);
  }
  if (S_ISDIR(status.st_mode)) return BtrfsSource::kDirectory;
  if (S_ISBLK(status.st_mode)) return BtrfsSource::kDevice;
  if (S_ISREG(status.st_mode)) return BtrfsSource::kLoopFile;
  return invalid_value("source", spec.source, "neither directory, block device nor file");
}

Result<void> create_btrfs(const PoolSpec& spec, Rollback& rollback) {
  switch (TRY(btrfs_source(spec))) {
    case BtrfsSource::kDirectory:
      return check_directory(spec.source);
    case BtrfsSource::kLoopFile:
      return make_loop_file(spec, rollback);
    case BtrfsSource::kDevice:
      break;
  }
  // Closed again before mkfs, which wants the device for itself too.
  Fd device = TRY(open_path(spec.source, O_RDWR | O_EXCL));
  if (!spec.wipe_source) TRY(check_blank(device, spec.source));
  device.reset();
  return format(spec.source);
}

Result<void> mount_btrfs(const PoolSpec& spec) {
  const BtrfsSource source = TRY(btrfs_source(spec));
  if (source == BtrfsSource::kDirectory) return kOk;
  TRY(make_dirs(spec.directory, 0711));
  const Fd point = TRY(open_path(spec.directory, O_PATH | O_DIRECTORY));
  if (TRY(is_mount_root(point)) && TRY(is_on_btrfs(TRY(open_dir(spec.directory))))) return kOk;
  const std::string options = spec.mount_options.empty() ? "user_subvol_rm_allowed" : spec.mount_options;
  if (source == BtrfsSource::kDevice)
    return attach_mount(TRY(mount_btrfs_device(spec.source, options)), spec.directory);
  Result<Fd> file = open_path(spec.source, O_RDWR);
  if (!file.ok() && file.error().kind() == ErrorKind::kNotFound)
    return Error(ErrorKind::kNotFound,
                 "loop file " + spec.source + " of storage pool \"" + spec.name + "\" is missing");
  // The device must outlive this function's descriptor: the mount keeps it.
  const LoopDevice device = TRY(use_loop_device(TRY(std::move(file)), LoopAccess::kReadWrite, spec.source));
  return attach_mount(TRY(mount_btrfs_device(device.path, options)), spec.directory);
}

Result<void> grow_btrfs(const PoolSpec& spec, Bytes size) {
  const std::string wanted = std::to_string(size.value);
  if (TRY(btrfs_source(spec)) != BtrfsSource::kLoopFile)
    return invalid_value("size", wanted, "only a pool in a loop file has a size");
  const Fd file = TRY(open_path(spec.source, O_RDWR));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error(errno, "stat " + spec.source);
  if (size.value < static_cast<std::uint64_t>(status.st_size))
    return invalid_value("size", wanted, "a pool cannot be shrunk (it has " + std::to_string(status.st_size) + " bytes)");
  const LoopDevice device = TRY(use_loop_device(file, LoopAccess::kReadWrite, spec.source));
  if (::ftruncate(file.get(), static_cast<off_t>(size.value)) != 0)
    return errno_error(errno, "ftruncate " + spec.source + " to " + wanted);
  TRY(refresh_loop_size(device));
  btrfs_ioctl_vol_args arguments{};
  std::string_view("max").copy(arguments.name, sizeof arguments.name - 1);
  const DirFd directory = TRY(open_dir(spec.directory));
  if (::ioctl(directory.get(), BTRFS_IOC_RESIZE, &arguments) != 0)
    return errno_error(errno, "BTRFS_IOC_RESIZE " + spec.directory);
  return kOk;
}

Result<void> unmount_btrfs(const PoolSpec& spec) {
  const Result<BtrfsSource> source = btrfs_source(spec);
  if (source.ok() && *source == BtrfsSource::kDirectory) return kOk;
  return detach_mounts(spec.directory);
}

Result<void> destroy_btrfs(const PoolSpec& spec) {
  if (TRY(btrfs_source(spec)) == BtrfsSource::kLoopFile && ::unlink(spec.source.c_str()) != 0 && errno != ENOENT)
    return errno_error(errno, "remove " + spec.source);
  if (spec.source != spec.directory && ::rmdir(spec.directory.c_str()) != 0 && errno != ENOENT && errno != EBUSY)
    return errno_error(errno, "rmdir " + spec.directory);
  return kOk;
}

}  // namespace cella::storage
