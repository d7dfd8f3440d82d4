#include "namespaces/root_switch.h"

#include <unistd.h>
#include <cerrno>

#include "base/syscalls.h"

namespace cella::namespaces {
namespace {

int attach_over_root(int mount) noexcept {
  return sys_move_mount(mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0 ? 0 : errno;
}

int enter(int root) noexcept {
  if (::fchdir(root) != 0 || ::chroot(".") != 0) return errno;
  return 0;
}

int clone_mount(int mount) noexcept {
  return sys_open_tree(mount, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
}

// Attaches the new proc or sysfs below the root and leaves a second mount of it for the plan's own step.
int keep_full_view(int root, const MountStep& step, int& filesystem) noexcept {
  const int target = open_target(root, step.target.c_str(), TargetLinks::kRefuse);
  // A root without the directory gets it when the plan's step is applied; it has no second view then.
  if (target < 0) return errno == ENOENT ? 0 : errno;
  const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  int failed = sys_move_mount(filesystem, "", target, "", flags) == 0 ? 0 : errno;
  ::close(target);
  if (failed != 0) return failed;
  const int copy = clone_mount(filesystem);
  if (copy < 0) return errno;
  ::close(filesystem);
  filesystem = copy;
  return 0;
}

int keep_full_views(const MountPlan& plan, int root, Filesystems& filesystems) noexcept {
  std::size_t next = 0;
  for (const MountStep& step : plan.steps) {
    if (step.action != MountAction::kFilesystem) continue;
    int& filesystem = filesystems.mounts[next++];
    if (step.type != "proc" && step.type != "sysfs") continue;
    const int failed = keep_full_view(root, step, filesystem);
    if (failed != 0) return failed;
  }
  return 0;
}

// Order: the mount must be attached before pivot_root accepts it; "." as both arguments stacks the old root on the new
// one, where umount2 detaches it; only then may the second root go on top, else the old one would hide below it.
RootOutcome pivot(const MountPlan& plan, int mount, Filesystems& filesystems) noexcept {
  if (::fchdir(mount) != 0) return {.errno_value = errno};
  if (sys_pivot_root(".", ".") != 0) return {.errno_value = errno};
  if (sys_umount2(".", kMntDetach) != 0) return {.errno_value = errno};
  if (const int failed = keep_full_views(plan, mount, filesystems); failed != 0) return {.errno_value = failed};
  const int top = clone_mount(mount);
  if (top < 0) return {.errno_value = errno};
  if (const int failed = attach_over_root(top); failed != 0) return {.errno_value = failed};
  return {.errno_value = enter(top), .root = top};
}

}  // namespace

RootOutcome switch_root(const MountPlan& plan, int mount, Filesystems& filesystems) noexcept {
  int failed = attach_over_root(mount);
  if (failed == 0 && plan.root_switch == RootSwitch::kOverBase) return {.errno_value = enter(mount), .root = mount};
  // Any other directory of the base will do to make the mount attached, which is all that pivot_root asks for.
  if (failed != 0 && sys_move_mount(mount, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return {.errno_value = errno};
  return pivot(plan, mount, filesystems);
}

}  // namespace cella::namespaces
