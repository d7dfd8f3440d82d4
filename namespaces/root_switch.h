// Making a detached mount the "/" of a new mount namespace. Runs after clone, as mount_apply.h.
#pragma once

#include "namespaces/mount_apply.h"
#include "namespaces/mount_plan.h"

namespace cella::namespaces {

struct RootOutcome {
  int errno_value = 0;  // 0: success
  int root = -1;        // descriptor of the container's root
};

// Makes `mount` (detached) the root and working directory of the calling process.
//
// kOverBase: attaches it over the "/" of the launcher's base, then fchdir and chroot: no pivot_root, no umount, and the
// kernel does not count it as chrooted because the root is the topmost mount over the namespace's root. When the kernel
// refuses to attach there, kPivot is done instead.
// kPivot: pivot_root(".", ".") and detach what was there. Then nothing but the container's own mounts is left, so the
// new proc and sysfs are attached a second time below the root, where nothing masks them: nested containers may mount
// proc and sysfs only while an unmasked one is visible to the kernel (mount_too_revealing in fs/namespace.c).
RootOutcome switch_root(const MountPlan& plan, int mount, Filesystems& filesystems) noexcept;

}  // namespace cella::namespaces
