#include "manager/image_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"

namespace cella::manager {
namespace {

Result<void> make_private_directory(const std::string& path) {
  TRY(make_dirs(path, 0700));
  if (::chmod(path.c_str(), 0700) != 0) return errno_error(errno, "chmod " + path);
  return kOk;
}

Result<void> sync_file(const std::string& path) { return sync_fd(TRY(open_path(path, O_RDONLY)), path); }

Result<void> rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return errno_error(errno, "rename " + from + " to " + to);
  return kOk;
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(errno, "remove " + path);
  return kOk;
}

Result<ImageFile> described(const std::string& path, const std::string& name) {
  const Fd file = TRY(open_path(path, O_RDONLY));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error(errno, "stat " + path);
  char head[2048];
  const ssize_t count = ::pread(file.get(), head, sizeof head, 0);
  if (count < 0) return errno_error(errno, "read " + path);
  return ImageFile{path, name + image_extension({head, static_cast<std::size_t>(count)}), status.st_size};
}

}  // namespace

std::string image_extension(std::string_view head) {
  using namespace std::string_view_literals;
  if (head.starts_with("\xfd"
                       "7zXZ\0"sv))
    return ".tar.xz";
  if (head.starts_with("\x1f\x8b"sv)) return ".tar.gz";
  if (head.starts_with("BZh"sv)) return ".tar.bz2";
  if (head.starts_with("\x28\xb5\x2f\xfd"sv)) return ".tar.zst";
  if (head.starts_with("\x5d\0\0"sv)) return ".tar.lzma";
  if (head.starts_with("hsqs"sv)) return ".squashfs";
  if (head.size() > 1028 && head.substr(1024).starts_with("\xe2\xe1\xf5\xe0"sv)) return ".erofs";
  return ".tar";
}

Result<ImageDirectory> ImageDirectory::open(const std::string& state_dir,
                                            const std::function<bool(const std::string&)>& known) {
  ImageDirectory result;
  result.directory_ = state_dir + "/images";
  result.uploads_ = result.directory_ + "/uploads";
  TRY(make_private_directory(result.directory_));
  TRY(make_private_directory(result.uploads_));
  const DirFd uploads = TRY(open_dir(result.uploads_));
  for (const std::string& name : TRY(list_names(uploads))) TRY(remove_tree_at(uploads, name));
  const DirFd images = TRY(open_dir(result.directory_));
  for (const std::string& name : TRY(list_names(images)))
    if (name != "uploads" && !known(name.substr(0, name.find('.')))) TRY(remove_tree_at(images, name));
  return result;
}

Result<void> ImageDirectory::keep(const ImageUpload& upload, const std::string& fingerprint) const {
  const std::string path = directory_ + "/" + fingerprint;
  TRY(sync_file(upload.metadata_path));
  if (!upload.rootfs_path.empty()) {
    TRY(sync_file(upload.rootfs_path));
    TRY(rename_file(upload.rootfs_path, path + ".rootfs"));
  }
  const Result<void> renamed = rename_file(upload.metadata_path, path);
  if (!renamed.ok()) {
    static_cast<void>(remove(fingerprint));
    return renamed;
  }
  return sync_file(directory_);
}

Result<void> ImageDirectory::remove(const std::string& fingerprint) const {
  TRY(remove_file(directory_ + "/" + fingerprint));
  return remove_file(directory_ + "/" + fingerprint + ".rootfs");
}

Result<ImageExport> ImageDirectory::exported(const std::string& fingerprint) const {
  const std::string path = directory_ + "/" + fingerprint;
  const bool split = path_exists(path + ".rootfs");
  ImageExport result;
  result.metadata = TRY(described(path, split ? "meta-" + fingerprint : fingerprint));
  if (split) result.rootfs = TRY(described(path + ".rootfs", fingerprint));
  return result;
}

void discard_upload(const ImageUpload& upload) {
  if (!upload.metadata_path.empty()) ::unlink(upload.metadata_path.c_str());
  if (!upload.rootfs_path.empty()) ::unlink(upload.rootfs_path.c_str());
}

}  // namespace cella::manager
