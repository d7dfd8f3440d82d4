// Finding and making the places in a container's root that mounts are attached to. Runs after clone, as mount_apply.h.
#pragma once

#include "namespaces/mount_plan.h"

namespace cella::namespaces {

// The step's target O_PATH; a missing one is made first when step.missing says so. -1 and errno.
int open_or_make_target(int root, const MountStep& step) noexcept;

// kDirectory, kFile and kSymlink steps. 0 or an errno.
int make_target(int root, const MountStep& step) noexcept;

}  // namespace cella::namespaces
