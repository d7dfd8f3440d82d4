#include "storage/filesystem_mount.h"

#include <sys/stat.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/files.h"
#include "base/syscalls.h"
#include "storage/loop_device.h"

namespace cella::storage {
namespace {

enum class ImageType { kSquashfs, kErofs };

Result<ImageType> image_type(const Fd& file, const std::string& name) {
  std::array<char, 1028> head{};
  if (::pread(file.get(), head.data(), head.size(), 0) < 0) return errno_error(errno, "read " + name);
  if (std::memcmp(head.data(), "hsqs", 4) == 0) return ImageType::kSquashfs;
  // EROFS_SUPER_MAGIC_V1, little-endian, at 1024.
  if (std::memcmp(head.data() + 1024, "\xe2\xe1\xf5\xe0", 4) == 0) return ImageType::kErofs;
  return Error(ErrorKind::kInvalid, "image " + name + ": neither squashfs nor erofs");
}

Result<Fd> open_context(const char* type) {
  Fd context(sys_fsopen(type, FSOPEN_CLOEXEC));
  if (!context) {
    const int saved = errno;
    if (saved == ENODEV)
      return Error(ErrorKind::kUnsupported, saved,
                   std::string("fsopen ") + type + ": the kernel has no such file system");
    return errno_error(saved, std::string("fsopen ") + type);
  }
  return context;
}

Error context_error(const Fd& context, int errno_value, const std::string& call) {
  const std::string message = context_message(context);
  return errno_error(errno_value, message.empty() ? call : call + " (" + message + ")");
}

Result<void> set_text(const Fd& context, const char* key, const std::string& value) {
  if (sys_fsconfig(context.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0) return kOk;
  return context_error(context, errno, std::string("fsconfig ") + key + "=" + value);
}

Result<void> set_flag(const Fd& context, const std::string& key) {
  if (sys_fsconfig(context.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) == 0) return kOk;
  return context_error(context, errno, "fsconfig " + key);
}

Result<Fd> create_mount(const Fd& context, const std::string& object, unsigned attributes) {
  if (sys_fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return context_error(context, errno, "mount " + object);
  Fd mount(sys_fsmount(context.get(), FSMOUNT_CLOEXEC, attributes));
  if (!mount) return errno_error(errno, "fsmount " + object);
  return mount;
}

Result<Fd> mount_read_only(const char* type, const std::string& source, const std::string& name) {
  const Fd context = TRY(open_context(type));
  TRY(set_flag(context, "ro"));
  TRY(set_text(context, "source", source));
  return create_mount(context, name, MOUNT_ATTR_RDONLY);
}

}  // namespace

std::string context_message(const Fd& context) {
  std::array<char, 512> line{};
  std::string text;
  // One message per read: "e squashfs: ..."; keep the last.
  for (int i = 0; i < 16; ++i) {
    const ssize_t count = ::read(context.get(), line.data(), line.size());
    if (count <= 2) break;
    text.assign(line.data() + 2, static_cast<std::size_t>(count) - 2);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
  }
  return text;
}

Result<Fd> mount_image_file(const Fd& file, const std::string& name) {
  const ImageType type = TRY(image_type(file, name));
  const char* type_name = type == ImageType::kSquashfs ? "squashfs" : "erofs";
  if (type == ImageType::kErofs) {
    Result<Fd> mount = mount_read_only("erofs", "/proc/self/fd/" + std::to_string(file.get()), name);
    // Before 6.12 erofs wants a block device (ENOTBLK).
    if (mount.ok() || mount.error().errno_value() != ENOTBLK) return mount;
  }
  const LoopDevice device = TRY(use_loop_device(file, LoopAccess::kReadOnly, name));
  Result<Fd> mount = mount_read_only(type_name, device.path, name);
  if (!mount.ok() && (mount.error().errno_value() == EINVAL || mount.error().errno_value() == EIO))
    return Error(ErrorKind::kInvalid, mount.error().errno_value(), mount.error().what() + ": damaged image");
  return mount;
}

Result<Fd> mount_btrfs_device(const std::string& device, const std::string& options) {
  const Fd context = TRY(open_context("btrfs"));
  TRY(set_text(context, "source", device));
  std::string_view rest = options;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string option(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const std::size_t equals = option.find('=');
    if (option.empty()) continue;
    if (equals == std::string::npos) {
      TRY(set_flag(context, option));
    } else {
      TRY(set_text(context, option.substr(0, equals).c_str(), option.substr(equals + 1)));
    }
  }
  return create_mount(context, device, MOUNT_ATTR_NODEV);
}

Result<void> attach_mount(const Fd& mount, const std::string& directory) {
  if (sys_move_mount(mount.get(), "", AT_FDCWD, directory.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return errno_error(errno, "move_mount to " + directory);
  return kOk;
}

Result<void> detach_mounts(const std::string& directory) {
  while (sys_umount2(directory.c_str(), kMntDetach | 8 /* UMOUNT_NOFOLLOW */) == 0) {
  }
  const int saved = errno;
  // EINVAL: not a mount point (any more).
  if (saved == EINVAL || saved == ENOENT) return kOk;
  return errno_error(saved, "umount " + directory);
}

Result<bool> is_mount_root(const Fd& directory) {
  struct statx status {};
  if (::statx(directory.get(), "", AT_EMPTY_PATH, STATX_TYPE, &status) != 0) return errno_error(errno, "statx");
  return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace cella::storage
