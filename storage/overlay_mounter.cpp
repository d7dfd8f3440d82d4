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
  const bool flag = option.value.empty();
  if (sys_fsconfig(context.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, option.key.c_str(),
                   flag ? nullptr : option.value.c_str(), 0) == 0)
    return kOk;
  const int saved = errno;
  return errno_error(saved, "overlay " + option.key + "=" + option.value + " " + context_message(context));
}

Result<void> set_layer(const Fd& context, const char* key, const Fd& layer) {
  if (sys_fsconfig(context.get(), FSCONFIG_SET_FD, key, nullptr, layer.get()) == 0) return kOk;
  const int saved = errno;
  return errno_error(saved, std::string("overlay ") + key + " " + context_message(context));
}

Result<Fd> finish_mount(const Fd& context, MountAccess access, OverlayPurpose purpose) {
  for (const OverlayOption& option : overlay_behaviour(purpose)) TRY(set_option(context, option));
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

Result<Fd> open_plain_tree(const Fd& dir, const std::string& name) {
  return open_mapped_tree(dir, name, TRY(IdMap::isolated(0)), MountAccess::kReadWrite);
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
  return mount_with(layers, owner, group, access, OverlayPurpose::kUse);
}

Result<bool> OverlayMounter::is_in_use(const Fd& volume, const Fd& scratch) {
  const Fd upper = TRY(open_plain_tree(volume, "upper"));
  const Fd aside = TRY(open_plain_tree(scratch, "."));
  const OverlayLayers layers{.base = &upper, .names = {}, .volume = aside};
  const Result<Fd> mount = mount_with(layers, HostId{0}, HostId{0}, MountAccess::kReadWrite, OverlayPurpose::kProbe);
  if (mount.ok()) return false;
  if (mount.error().errno_value() == EBUSY) return true;
  return mount.error();
}

Result<bool> OverlayMounter::can_tell_use(const Fd& first, const Fd& second) {
  const Fd base = TRY(open_plain_tree(second, "upper"));
  const Fd user = TRY(open_plain_tree(first, "."));
  const OverlayLayers layers{.base = &base, .names = {}, .volume = user};
  const Fd mount = TRY(this->mount(layers, HostId{0}, HostId{0}, MountAccess::kReadWrite));
  return is_in_use(first, second);
}

Result<Fd> OverlayMounter::mount_with(const OverlayLayers& layers, HostId owner, HostId group, MountAccess access,
                                      OverlayPurpose purpose) {
  Result<Fd> result = Error(ErrorKind::kInternal, "overlay mount was not attempted");
  run_on_thread([&] {
    const int bits = ::prctl(PR_GET_SECUREBITS);
    if (bits < 0 || ::prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) != 0) {
      result = errno_error(errno, "prctl PR_SET_SECUREBITS");
      return;
    }
    const FileSystemIds ids(owner, group);
    result = mount_here(layers, access, purpose);
  });
  return result;
}

Result<Fd> OverlayMounter::mount_here(const OverlayLayers& layers, MountAccess access, OverlayPurpose purpose) {
  if (method_ == DriverOptions::OverlayLayers::kAttached) return mount_by_strings(layers, access, purpose);
  Result<Fd> mount = mount_by_descriptors(layers, access, purpose);
  if (mount.ok() || !lacks_descriptors(mount.error())) return mount;
  Result<Fd> attached = mount_by_strings(layers, access, purpose);
  if (attached.ok()) method_ = DriverOptions::OverlayLayers::kAttached;
  return attached;
}

Result<Fd> OverlayMounter::mount_by_descriptors(const OverlayLayers& layers, MountAccess access,
                                                OverlayPurpose purpose) {
  const Fd upper = TRY(open_at(layers.volume, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW));
  const Fd work = TRY(open_at(layers.volume, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW));
  const Fd context = TRY(open_overlay());
  for (const std::string& name : layers.names)
    TRY(set_layer(context, "lowerdir+",
                  TRY_CONTEXT("layer " + name, open_at(*layers.layers, name, O_PATH | O_DIRECTORY | O_NOFOLLOW))));
  if (layers.base != nullptr) TRY(set_layer(context, "lowerdir+", *layers.base));
  TRY(set_layer(context, "upperdir", upper));
  TRY(set_layer(context, "workdir", work));
  return finish_mount(context, access, purpose);
}

// Once per thread: a mount namespace that holds a tmpfs with mount points and nothing else, so the layers are never
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
  for (const char* name : {"base", "layers", "volume"})
    if (::mkdirat(base.get(), name, 0755) != 0) return errno_error(errno, "mkdir in tmpfs");
  TRY(attach_mount(base, "/"));
  // The new root lies over the old one: stand on it, take it as root, let the old one go.
  if (::fchdir(base.get()) != 0) return errno_error(errno, "fchdir");
  if (sys_pivot_root(".", ".") != 0 || sys_umount2(".", kMntDetach) != 0) return errno_error(errno, "pivot_root");
  if (::chdir("/") != 0) return errno_error(errno, "chdir /");
  private_namespace_ = true;
  return kOk;
}

Result<Fd> OverlayMounter::mount_by_strings(const OverlayLayers& layers, MountAccess access, OverlayPurpose purpose) {
  TRY(enter_private_namespace());
  Result<Fd> mount = mount_attached(layers, access, purpose);
  // Overlay holds private clones of its layers.
  for (const char* place : {"/volume", "/layers", "/base"}) TRY(detach_mounts(place));
  for (std::size_t i = 0; i < layers.names.size(); ++i) ::unlink(std::to_string(i).c_str());
  return mount;
}

// A link of a digit or two for each layer, since all their names together may take 255 bytes.
Result<Fd> OverlayMounter::mount_attached(const OverlayLayers& layers, MountAccess access, OverlayPurpose purpose) {
  TRY(attach_mount(layers.volume, "/volume"));
  if (layers.layers != nullptr) TRY(attach_mount(*layers.layers, "/layers"));
  if (layers.base != nullptr) TRY(attach_mount(*layers.base, "/base"));
  std::vector<std::string> lowers;
  for (const std::string& name : layers.names) {
    lowers.push_back(std::to_string(lowers.size()));
    if (::symlink(("/layers/" + name).c_str(), lowers.back().c_str()) != 0) return errno_error(errno, "symlink layer");
  }
  if (layers.base != nullptr) lowers.push_back("base");
  const Fd context = TRY(open_overlay());
  for (const OverlayOption& option : TRY(overlay_layer_strings(lowers, "/volume/upper", "/volume/work")))
    TRY(set_option(context, option));
  return finish_mount(context, access, purpose);
}

}  // namespace cella::storage
