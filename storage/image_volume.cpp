#include "storage/image_volume.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"
#include "base/id_map.h"
#include "storage/file_attributes.h"
#include "storage/filesystem_mount.h"
#include "storage/id_mapped.h"
#include "storage/tree_copy.h"
#include "storage/unpack.h"

namespace cella::storage {
namespace {

Result<void> make_directory(const Fd& parent, const char* name, unsigned mode) {
  if (::mkdirat(parent.get(), name, 0700) != 0 && errno != EEXIST)
    return errno_error(errno, std::string("mkdir ") + name);
  if (::fchmodat(parent.get(), name, mode, 0) != 0) return errno_error(errno, std::string("chmod ") + name);
  return kOk;
}

Result<void> keep_squashfs(const Fd& directory, const Fd& file, const std::string& path) {
  if (::linkat(AT_FDCWD, path.c_str(), directory.get(), kImageFileName, 0) == 0) return kOk;
  if (errno != EXDEV && errno != EPERM && errno != EMLINK) return errno_error(errno, "link " + path);
  const Fd copy = TRY(open_at(directory, kImageFileName, O_RDWR | O_CREAT | O_EXCL, 0600));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error(errno, "stat " + path);
  TRY_CONTEXT("copy " + path, copy_contents(file, copy, static_cast<std::uint64_t>(status.st_size)));
  return kOk;
}

Result<void> copy_out_of_squashfs(const Fd& file, const std::string& name, const Fd& to, const Watch& watch) {
  const Fd mount = TRY(mount_image_file(file, name));
  struct statvfs status {};
  if (::fstatvfs(mount.get(), &status) != 0) return errno_error(errno, "statvfs " + name);
  const Fd root = TRY(open_at(mount, ".", O_RDONLY | O_DIRECTORY));
  TRY(copy_tree(root, to, status.f_files, watch));
  return kOk;
}

// Every file and directory below: bounded by what is there, where syncfs(2) waits for whatever else the file system has
// to write. Links are written with their directory.
Result<void> flush_tree(const Fd& directory) {
  for (const std::string& name : TRY(list_names(directory))) {
    struct stat status {};
    if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return errno_error(errno, "stat " + name);
    if (S_ISDIR(status.st_mode)) {
      TRY(flush_tree(TRY(open_dir_at(directory, name))));
    } else if (S_ISREG(status.st_mode)) {
      TRY(sync_fd(TRY(open_at(directory, name, O_RDONLY | O_NOFOLLOW)), name));
    }
  }
  return sync_fd(directory, "directory of an image volume");
}

Result<void> fill_rootfs(const Fd& directory, const ImageFiles& files, SquashfsUse squashfs, const UnpackLimits& limits,
                         const Watch& watch) {
  const Fd file = TRY(open_path(files.rootfs_path, O_RDONLY));
  if (TRY(detect_rootfs(file, files.rootfs_path)) == RootfsFormat::kArchive) {
    TRY(make_directory(directory, kTreeName, 0755));
    TRY(unpack_archive(file, ArchiveLayout::kRootfs, directory, limits, watch));
    return kOk;
  }
  if (squashfs == SquashfsUse::kKeepFile) return keep_squashfs(directory, file, files.rootfs_path);
  TRY(make_directory(directory, kTreeName, 0755));
  return copy_out_of_squashfs(file, files.rootfs_path, TRY(open_dir_at(directory, kTreeName)), watch);
}

}  // namespace

Result<void> fill_image_volume(const Fd& directory, const ImageFiles& files, SquashfsUse squashfs,
                               const UnpackLimits& limits, const Watch& watch) {
  const bool unified = files.rootfs_path.empty();
  const Fd metadata = TRY(open_path(files.metadata_path, O_RDONLY));
  TRY(unpack_archive(metadata, unified ? ArchiveLayout::kUnified : ArchiveLayout::kMetadata, directory, limits,
                     unified ? watch : Watch{}));
  if (!unified) TRY(fill_rootfs(directory, files, squashfs, limits, watch));
  // The name is given only to what is on disk. A tree has too many files for an fsync each.
  if (exists_at(directory, kImageFileName)) return flush_tree(directory);
  if (::syncfs(directory.get()) != 0) return errno_error(errno, "syncfs");
  return kOk;
}

Result<bool> squashfs_can_be_mapped(const std::string& path) {
  const Fd file = TRY(open_path(path, O_RDONLY));
  const Fd mount = TRY(mount_image_file(file, path));
  const Result<void> mapped = apply_id_map(mount, TRY(IdMap::isolated(2'000'000'000)), MountAccess::kReadOnly, path);
  if (mapped.ok()) return true;
  if (mapped.error().kind() == ErrorKind::kUnsupported) return false;
  return Error(mapped.error());
}

Result<void> copy_image_tree(const Fd& image_directory, const Fd& to, const Watch& watch) {
  if (exists_at(image_directory, kTreeName)) {
    const Fd tree = TRY(open_at(image_directory, kTreeName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(copy_tree(tree, to, 0, watch));
    return kOk;
  }
  const Fd file = TRY(open_at(image_directory, kImageFileName, O_RDONLY | O_NOFOLLOW));
  return copy_out_of_squashfs(file, kImageFileName, to, watch);
}

Result<void> copy_image_metadata(const Fd& image_directory, const Fd& to) {
  if (exists_at(image_directory, "metadata.yaml")) {
    const std::string text = TRY(read_file_at(image_directory, "metadata.yaml"));
    TRY(write_all(TRY(open_at(to, "metadata.yaml", O_WRONLY | O_CREAT | O_EXCL, 0644)), text));
  }
  if (!exists_at(image_directory, "templates")) return kOk;
  const Fd from = TRY(open_at(image_directory, "templates", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY(make_directory(to, "templates", 0755));
  TRY(copy_tree(from, TRY(open_dir_at(to, "templates")), 0, Watch{}));
  return kOk;
}

}  // namespace cella::storage
