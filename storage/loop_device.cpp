#include "storage/loop_device.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <cerrno>
#include <mutex>

#include "base/files.h"

namespace cella::storage {
namespace {

struct FileIdentity {
  std::uint64_t device;
  std::uint64_t inode;
};

Result<FileIdentity> identity_of(const Fd& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error(errno, "fstat loop file");
  return FileIdentity{status.st_dev, status.st_ino};
}

// An open descriptor keeps a device from clearing itself, so what is read afterwards stays true.
bool backs(const Fd& device, const FileIdentity& file) {
  loop_info64 info{};
  if (::ioctl(device.get(), LOOP_GET_STATUS64, &info) != 0) return false;
  return info.lo_device == file.device && info.lo_inode == file.inode;
}

loop_config configuration(const Fd& file, LoopAccess access, const std::string& object) {
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(file.get());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
  if (access == LoopAccess::kReadOnly) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
  object.copy(reinterpret_cast<char*>(config.info.lo_file_name), LO_NAME_SIZE - 1);
  return config;
}

Result<Fd> open_device(const std::string& path, LoopAccess access) {
  return open_path(path, access == LoopAccess::kReadOnly ? O_RDONLY : O_RDWR);
}

}  // namespace

Result<std::optional<LoopDevice>> find_loop_device(const Fd& file) {
  const FileIdentity wanted = TRY(identity_of(file));
  const DirFd blocks = TRY(open_dir("/sys/block"));
  for (const std::string& name : TRY(list_names(blocks))) {
    if (!name.starts_with("loop") || !exists_at(blocks, name + "/loop")) continue;
    const std::string path = "/dev/" + name;
    Result<Fd> device = open_path(path, O_RDWR);
    if (!device.ok()) device = open_path(path, O_RDONLY);
    if (device.ok() && backs(*device, wanted)) return std::optional(LoopDevice{std::move(*device), path});
  }
  return std::optional<LoopDevice>();
}

Result<LoopDevice> attach_loop_device(const Fd& file, LoopAccess access, const std::string& object) {
  const Fd control = TRY(open_path("/dev/loop-control", O_RDWR));
  const loop_config config = configuration(file, access, object);
  // Others may take the free device first (EBUSY): ask for the next one.
  for (int attempt = 0; attempt < 64; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return errno_error(errno, "LOOP_CTL_GET_FREE for " + object);
    const std::string path = "/dev/loop" + std::to_string(number);
    Fd device = TRY(open_device(path, access));
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return LoopDevice{std::move(device), path};
    const int saved = errno;
    if (saved == EBUSY) continue;
    return errno_error(saved, "LOOP_CONFIGURE " + path + " for " + object);
  }
  return Error(ErrorKind::kBusy, "LOOP_CONFIGURE for " + object + ": no free loop device");
}

Result<LoopDevice> use_loop_device(const Fd& file, LoopAccess access, const std::string& object) {
  // One at a time: between looking and attaching nobody else in this process may attach the same file.
  static std::mutex attaching;
  const std::lock_guard lock(attaching);
  if (std::optional<LoopDevice> found = TRY(find_loop_device(file))) return std::move(*found);
  return attach_loop_device(file, access, object);
}

Result<void> refresh_loop_size(const LoopDevice& device) {
  if (::ioctl(device.fd.get(), LOOP_SET_CAPACITY) != 0) return errno_error(errno, "LOOP_SET_CAPACITY " + device.path);
  return kOk;
}

}  // namespace cella::storage
