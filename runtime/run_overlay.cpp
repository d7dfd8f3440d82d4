#include "runtime/run_overlay.h"

#include <sched.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <cerrno>
#include <string>

#include "base/syscalls.h"
#include "namespaces/idmapped_tree.h"

namespace cella::runtime {
namespace {

struct Layers {
  Fd lower;   // detached mount
  Fd memory;  // detached tmpfs with the directories "u", "w" and, for kPaths, "l"
};

Result<Fd> new_filesystem(const char* type) {
  Fd fs(sys_fsopen(type, FSOPEN_CLOEXEC));
  if (!fs) return errno_error(errno, std::string("fsopen ") + type);
  return fs;
}

Result<Fd> create(const Fd& fs, const char* type) {
  if (sys_fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return errno_error(errno, std::string("create ") + type);
  Fd mount(sys_fsmount(fs.get(), FSMOUNT_CLOEXEC, 0));
  if (!mount) return errno_error(errno, std::string("fsmount ") + type);
  return mount;
}

Result<void> make_layer(const Fd& memory, const char* name, const ThrowAwayOverlay& wanted) {
  if (::mkdirat(memory.get(), name, 0755) == 0 &&
      ::fchownat(memory.get(), name, wanted.root_user.value, wanted.root_group.value, 0) == 0)
    return kOk;
  return errno_error(errno, std::string("make overlay layer ") + name);
}

// The merged root takes its mode from the upper directory.
Result<void> copy_mode(const Fd& lower, const Fd& memory) {
  struct stat status {};
  if (::fstat(lower.get(), &status) == 0 && ::fchmodat(memory.get(), "u", status.st_mode & 07777, 0) == 0) return kOk;
  return errno_error(errno, "set mode of overlay layer u");
}

Result<void> set_layer(const Fd& overlay, const char* key, const Fd& layer) {
  if (sys_fsconfig(overlay.get(), FSCONFIG_SET_FD, key, nullptr, layer.get()) == 0) return kOk;
  return errno_error(errno, std::string("set overlay ") + key);
}

Result<void> set_string(const Fd& overlay, const char* key, const char* value) {
  if (sys_fsconfig(overlay.get(), FSCONFIG_SET_STRING, key, value, 0) == 0) return kOk;
  return errno_error(errno, std::string("set overlay ") + key + "=" + value);
}

Result<Fd> overlay_by_descriptors(const Layers& layers) {
  const Fd upper = TRY(open_at(layers.memory, "u", O_PATH | O_DIRECTORY));
  const Fd work = TRY(open_at(layers.memory, "w", O_PATH | O_DIRECTORY));
  const Fd overlay = TRY(new_filesystem("overlay"));
  TRY(set_layer(overlay, "lowerdir+", layers.lower));
  TRY(set_layer(overlay, "upperdir", upper));
  TRY(set_layer(overlay, "workdir", work));
  return create(overlay, "overlay");
}

Result<void> attach(const Fd& mount, const Fd& target) {
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (sys_move_mount(mount.get(), "", target.get(), "", flags) == 0) return kOk;
  return errno_error(errno, "attach overlay layer");
}

// The layers are attached where only this process sees them, and named relative to its working directory.
Result<Fd> overlay_by_paths(const Layers& layers) {
  if (::unshare(CLONE_NEWNS) != 0) return errno_error(errno, "unshare mount namespace");
  if (sys_mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return errno_error(errno, "make mounts private");
  // A descriptor from before the unshare belongs to the old namespace; the working directory has moved along.
  const Fd here = TRY(open_path(".", O_PATH | O_DIRECTORY));
  TRY(attach(layers.memory, TRY(open_path("/", O_PATH | O_DIRECTORY))));
  if (::mkdirat(layers.memory.get(), "l", 0755) != 0) return errno_error(errno, "make overlay layer l");
  if (::fchdir(layers.memory.get()) != 0) return errno_error(errno, "fchdir to overlay layers");
  TRY(attach(layers.lower, TRY(open_path("l", O_PATH | O_DIRECTORY))));
  const Fd overlay = TRY(new_filesystem("overlay"));
  TRY(set_string(overlay, "lowerdir", "l"));
  TRY(set_string(overlay, "upperdir", "u"));
  TRY(set_string(overlay, "workdir", "w"));
  Fd mount = TRY(create(overlay, "overlay"));
  if (::fchdir(here.get()) != 0) return errno_error(errno, "fchdir");
  return mount;
}

}  // namespace

Result<Fd> make_throw_away_overlay(const Fd& lower, const Fd& user_namespace, const ThrowAwayOverlay& wanted,
                                   std::string_view object) {
  Layers layers;
  layers.lower = TRY(namespaces::copy_tree(lower, {.user_namespace = &user_namespace}, object));
  layers.memory = TRY(create(TRY(new_filesystem("tmpfs")), "tmpfs"));
  TRY(make_layer(layers.memory, "u", wanted));
  TRY(make_layer(layers.memory, "w", wanted));
  TRY(copy_mode(layers.lower, layers.memory));
  auto by_descriptors = wanted.names == LayerNames::kDescriptors
                            ? overlay_by_descriptors(layers)
                            : Result<Fd>(Error(ErrorKind::kUnsupported, EOPNOTSUPP, "layers by descriptor"));
  const bool too_old = !by_descriptors.ok() && (by_descriptors.error().errno_value() == EOPNOTSUPP ||
                                                by_descriptors.error().errno_value() == EINVAL);
  Fd mount = TRY_CONTEXT(object, too_old ? overlay_by_paths(layers) : std::move(by_descriptors));
  // overlayfs turns itself read-only when it cannot write its work directory, and tells nobody.
  struct statvfs status {};
  if (::fstatvfs(mount.get(), &status) != 0) return errno_error(errno, "statvfs overlay");
  if ((status.f_flag & ST_RDONLY) != 0) return Error(ErrorKind::kIo, "overlay came up read-only");
  return mount;
}

}  // namespace cella::runtime
