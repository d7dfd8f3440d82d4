// Carrying out a MountPlan inside a new mount namespace. Everything here runs after clone: no allocation, no locks, no
// exceptions, errors as errno values.
#pragma once

#include <array>
#include <cstdint>

#include "namespaces/mount_plan.h"

namespace cella::namespaces {

// errno_value 0: success. index: the step that failed.
struct MountOutcome {
  int errno_value = 0;
  std::uint32_t index = 0;
};

// The detached mounts of the plan's kFilesystem steps, in the steps' order.
struct Filesystems {
  std::array<int, kMaxFilesystems> mounts{};
  std::size_t count = 0;
};

// Makes every kFilesystem of the plan, detached. The plan has at most kMaxFilesystems of them. Must run in the
// container's namespaces, with its root's ids, before the root is switched (mount_too_revealing in fs/namespace.c).
MountOutcome make_filesystems(const MountPlan& plan, Filesystems& made) noexcept;

// Applies the steps in order. root: descriptor of the container's root (what switch_root returned); "/" must be it.
// descriptors: what kAttach indexes mean. The descriptors of `made` are closed.
MountOutcome apply_mounts(const MountPlan& plan, int root, const int* descriptors, Filesystems& made) noexcept;

// Opens a path of the container O_PATH, from its root and never out of it. -1 and errno as openat2(2).
int open_target(int root, const char* path, TargetLinks links, int flags = 0) noexcept;

}  // namespace cella::namespaces
