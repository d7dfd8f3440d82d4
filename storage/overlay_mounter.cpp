#include "storage/overlay_mounter.h"

#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <cerrno>

#include "base/syscalls.h"
#include "storage/filesystem_mount.h"
#include "storage/overlay_options.h"

namespace cella::storage {
namespace {

// File-system ids for as long as it lives; capabilities stay because of NO_SETUID_FIXUP.
class FileSystemIds {
 public:
  FileSystemIds(HostId owner, HostId group)
      : old_owner_(static_cast<uid_t>(::setfsuid(owner.value))),
        old_group_(static_cast<gid_t>(::setfsgid(group.value))) {}
  ~FileSystemIds() {
    ::setfsuid(old_owner_);
    ::setfsgid(old_group_);
  }
  FileSystemIds(const FileSystemIds&) = delete;
  FileSystemIds& operator=(const FileSystemIds&) = delete;

 private:
  uid_t old_owner_;
  gid_t old_group_;
};

Result<Fd> open_overlay() {
  Fd context(sys_fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) return errno_error(errno, "fsopen overlay");
  return context;
}

Result<void> set_option(const Fd& context, const OverlayOption& option) {
  if (sys_fsconfig(context.get(), FSCONFIG_SET_STRING, option.key.c_str(), option.value.c_str(), 0) == 0) return kOk;
  const int saved = errno;
  return errno_error(saved, "overlay " + option.key + "=" + option.value + " " + context_message(context));
}

Result<void> set_layer(const Fd& context, const char* key, const Fd& layer) {
  if (sys_fsconfig(context.get(), FSCONFIG_SET_FD, key, nullptr, layer.get()) == 0) return kOk;
  const int saved = errno;
  return errno_error(saved, std::string("overlay ") + key + " " + context_message(context));
}

Result<Fd> finish_mount(const Fd& context, MountAccess access) {
  for (const OverlayOption& option : overlay_behaviour()) TRY(set_option(context, option));
  if (sys_fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    const int saved = errno;
    return errno_error(saved, "mount overlay " + context_message(context));
  }
  unsigned attributes = MOUNT_ATTR_NODEV;
  if (access == MountAccess::kReadOnly) attributes |= MOUNT_ATTR_RDONLY;
  Fd mount(sys_fsmount(context.get(), FSMOUNT_CLOEXEC, attributes));
  if (!mount) return errno_error(errno, "fsmount overlay");
  if (access == MountAccess::kReadOnly) return mount;
  struct statvfs status {};
  if (::fstatvfs(mount.get(), &status) != 0) return errno_error(errno, "statvfs overlay");
  // Overlay falls back to read-only without an error when it cannot make its work directory.
  if ((status.f_flag & ST_RDONLY) != 0)
    return Error(ErrorKind::kIo, "mount overlay: the kernel made it read-only (work directory not usable)");
  return mount;
}

// Kernels before 6.13 know no layers by descriptor.
bool lacks_descriptors(const Error& error) {
  return error.errno_value() == EOPNOTSUPP || error.errno_value() == EINVAL || error.errno_value() == EBADF;
}

}  // namespace

OverlayMounter::~OverlayMounter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void OverlayMounter::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || work_ != nullptr; });
    if (stop_) return;
    (*work_)();
    work_ = nullptr;
    changed_.notify_all();
  }
}

void OverlayMounter::run_on_thread(const std::function<void()>& work) {
  const std::lock_guard one_at_a_time(callers_);
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  work_ = &work;
  changed_.notify_all();
  changed_.wait(lock, [this] { return work_ == nullptr; });
}

Result<Fd> OverlayMounter::mount(const OverlayLayers& layers, HostId owner, HostId group, MountAccess access) {
  Result<Fd> result = Error(ErrorKind::kInternal, "overlay mount was not attempted");
  run_on_thread([&] {
    const int bits = ::prctl(PR_GET_SECUREBITS);
    if (bits < 0 || ::prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) != 0) {
      result = errno_error(errno, "prctl PR_SET_SECUREBITS");
      return;
    }
    const FileSystemIds ids(owner, group);
    result = mount_here(layers, access);
  });
  return result;
}

Result<Fd> OverlayMounter::mount_here(const OverlayLayers& layers, MountAccess access) {
  if (method_ == DriverOptions::OverlayLayers::kAttached) return mount_by_strings(layers, access);
  Result<Fd> mount = mount_by_descriptors(layers, access);
  if (mount.ok() || !lacks_descriptors(mount.error())) return mount;
  Result<Fd> attached = mount_by_strings(layers, access);
  if (attached.ok()) method_ = DriverOptions::OverlayLayers::kAttached;
  return attached;
}

Result<Fd> OverlayMounter::mount_by_descriptors(const OverlayLayers& layers, MountAccess access) {
  const Fd upper = TRY(open_at(layers.volume, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW));
  const Fd work = TRY(open_at(layers.volume, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW));
  const Fd context = TRY(open_overlay());
  TRY(set_layer(context, "lowerdir+", layers.lower));
  TRY(set_layer(context, "upperdir", upper));
  TRY(set_layer(context, "workdir", work));
  return finish_mount(context, access);
}

// Once per thread: a mount namespace that holds a tmpfs with two mount points and nothing else, so the layers are never
// attached where anyone else could see them, and no mount of the host is kept alive here.
Result<void> OverlayMounter::enter_private_namespace() {
  if (private_namespace_) return kOk;
  if (::unshare(CLONE_NEWNS) != 0) return errno_error(errno, "unshare CLONE_NEWNS");
  if (sys_mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return errno_error(errno, "mount --make-rprivate");
  const Fd context(sys_fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context) return errno_error(errno, "fsopen tmpfs");
  if (sys_fsconfig(context.get(), FSCONFIG_SET_STRING, "mode", "0755", 0) != 0 ||
      sys_fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return errno_error(errno, "create tmpfs");
  const Fd base(sys_fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  if (!base) return errno_error(errno, "fsmount tmpfs");
  if (::mkdirat(base.get(), "lower", 0755) != 0 || ::mkdirat(base.get(), "volume", 0755) != 0)
    return errno_error(errno, "mkdir in tmpfs");
  TRY(attach_mount(base, "/"));
  // The new root lies over the old one: stand on it, take it as root, let the old one go.
  if (::fchdir(base.get()) != 0) return errno_error(errno, "fchdir");
  if (sys_pivot_root(".", ".") != 0 || sys_umount2(".", kMntDetach) != 0) return errno_error(errno, "pivot_root");
  if (::chdir("/") != 0) return errno_error(errno, "chdir /");
  private_namespace_ = true;
  return kOk;
}

Result<Fd> OverlayMounter::mount_by_strings(const OverlayLayers& layers, MountAccess access) {
  TRY(enter_private_namespace());
  TRY(attach_mount(layers.lower, "/lower"));
  Result<Fd> mount = Error(ErrorKind::kInternal, "overlay mount was not attempted");
  Result<void> attached = attach_mount(layers.volume, "/volume");
  if (attached.ok()) {
    mount = [&]() -> Result<Fd> {
      const Fd context = TRY(open_overlay());
      for (const OverlayOption& option : TRY(overlay_layer_strings("/lower", "/volume/upper", "/volume/work")))
        TRY(set_option(context, option));
      return finish_mount(context, access);
    }();
    // Overlay holds private clones of its layers.
    TRY(detach_mounts("/volume"));
  } else {
    mount = std::move(attached).error();
  }
  TRY(detach_mounts("/lower"));
  return mount;
}

}  // namespace cella::storage
