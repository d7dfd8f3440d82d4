#include "namespaces/mount_apply.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include "base/syscalls.h"
#include "namespaces/target.h"

namespace cella::namespaces {
namespace {

// What the mask steps share: the container's null device and one empty directory, opened on first use.
struct Masks {
  int null_device = -1;
  int empty_directory = -1;
};

int close_and_return(int fd, int errno_value) noexcept {
  ::close(fd);
  return errno_value;
}

int set_options(int fs, const MountStep& step) noexcept {
  if (!step.source.empty() && sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", step.source.c_str(), 0) != 0)
    return errno;
  for (const MountOption& option : step.options) {
    const unsigned command = option.is_flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    const char* value = option.is_flag ? nullptr : option.value.c_str();
    if (sys_fsconfig(fs, command, option.key.c_str(), value, 0) != 0) return errno;
  }
  return 0;
}

// Returns the detached mount, or -1 with errno.
int make_filesystem(const MountStep& step) noexcept {
  const int fs = sys_fsopen(step.type.c_str(), FSOPEN_CLOEXEC);
  if (fs < 0) return -1;
  int failed = set_options(fs, step);
  if (failed == 0 && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) failed = errno;
  int mount = -1;
  if (failed == 0) {
    mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, step.attributes);
    if (mount < 0) failed = errno;
  }
  ::close(fs);
  errno = failed;
  return mount;
}

int attach(int mount, int root, const MountStep& step) noexcept {
  const int target = open_or_make_target(root, step);
  if (target < 0) return errno;
  const bool moved = sys_move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0;
  return close_and_return(target, moved ? 0 : errno);
}

// Covers target with another mount of what `source` shows.
int cover(int source, int target, std::uint64_t attributes) noexcept {
  const int copy = sys_open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (copy < 0) return errno;
  int failed = 0;
  mount_attr attr{};
  attr.attr_set = attributes;
  if (attributes != 0 && sys_mount_setattr(copy, "", AT_EMPTY_PATH, &attr) != 0) failed = errno;
  if (failed == 0 && sys_move_mount(copy, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    failed = errno;
  return close_and_return(copy, failed);
}

// The null device of our own /dev: masking with whatever an image calls /dev/null was CVE-2025-31133.
int open_null_device(int root) noexcept {
  const int fd = open_target(root, "dev/null", TargetLinks::kRefuse);
  if (fd < 0) return -1;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)) return fd;
  ::close(fd);
  errno = ENODEV;
  return -1;
}

int mask_file(int root, int target, Masks& masks) noexcept {
  if (masks.null_device < 0) masks.null_device = open_null_device(root);
  if (masks.null_device < 0) return errno;
  return cover(masks.null_device, target, 0);
}

int mask_directory(int target, Masks& masks) noexcept {
  constexpr std::uint64_t kAttributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (masks.empty_directory >= 0) return cover(masks.empty_directory, target, kAttributes);
  const int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (fs < 0) return errno;
  int failed = 0;
  if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0) != 0 ||
      sys_fsconfig(fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    failed = errno;
  if (failed == 0) {
    masks.empty_directory = sys_fsmount(fs, FSMOUNT_CLOEXEC, kAttributes);
    if (masks.empty_directory < 0) failed = errno;
  }
  ::close(fs);
  if (failed != 0) return failed;
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return sys_move_mount(masks.empty_directory, "", target, "", flags) == 0 ? 0 : errno;
}

int cover_existing(int root, const MountStep& step, Masks& masks) noexcept {
  const int target = open_target(root, step.target.c_str(), step.links);
  if (target < 0) return errno == ENOENT ? 0 : errno;
  int failed = 0;
  if (step.action == MountAction::kMaskFile) failed = mask_file(root, target, masks);
  if (step.action == MountAction::kMaskDirectory) failed = mask_directory(target, masks);
  if (step.action == MountAction::kReadOnly) failed = cover(target, target, MOUNT_ATTR_RDONLY);
  return close_and_return(target, failed);
}

int apply_step(const MountStep& step, int root, const int* descriptors, int filesystem, Masks& masks) noexcept {
  switch (step.action) {
    case MountAction::kAttach:
      return attach(descriptors[step.descriptor], root, step);
    case MountAction::kFilesystem: {
      return attach(filesystem, root, step);
    }
    case MountAction::kMaskFile:
    case MountAction::kMaskDirectory:
    case MountAction::kReadOnly:
      return cover_existing(root, step, masks);
    case MountAction::kDirectory:
    case MountAction::kFile:
    case MountAction::kSymlink:
      return make_target(root, step);
  }
  return EINVAL;
}

}  // namespace

MountOutcome make_filesystems(const MountPlan& plan, Filesystems& made) noexcept {
  for (std::size_t index = 0; index < plan.steps.size(); ++index) {
    const MountStep& step = plan.steps[index];
    if (step.action != MountAction::kFilesystem) continue;
    const int mount = made.count < kMaxFilesystems ? make_filesystem(step) : (errno = E2BIG, -1);
    if (mount < 0) return {.errno_value = errno, .index = static_cast<std::uint32_t>(index)};
    made.mounts[made.count++] = mount;
  }
  return {};
}

MountOutcome apply_mounts(const MountPlan& plan, int root, const int* descriptors, Filesystems& made) noexcept {
  Masks masks;
  std::size_t next_filesystem = 0;
  for (std::size_t index = 0; index < plan.steps.size(); ++index) {
    const MountStep& step = plan.steps[index];
    const bool is_filesystem = step.action == MountAction::kFilesystem;
    const int filesystem = is_filesystem ? made.mounts[next_filesystem++] : -1;
    const int failed = apply_step(step, root, descriptors, filesystem, masks);
    if (is_filesystem) ::close(filesystem);
    if (failed != 0) return {.errno_value = failed, .index = static_cast<std::uint32_t>(index)};
  }
  if (masks.null_device >= 0) ::close(masks.null_device);
  if (masks.empty_directory >= 0) ::close(masks.empty_directory);
  return {};
}

}  // namespace cella::namespaces
