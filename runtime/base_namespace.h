// The mount namespace the keeper lives in: an empty tmpfs, the procfs of a dead PID namespace and the sysfs of an empty
// network namespace. Containers are born in copies of it, so an escape from a container's root finds nothing there.
#pragma once

#include "base/fd.h"

namespace cella::runtime {

// What stays reachable after the host's mounts are gone.
struct BaseNamespace {
  // A detached procfs of this process's own PID namespace, never attached anywhere: the only way to /proc from here on.
  Fd procfs;
};

// Moves the calling process into a new mount namespace as above. The host's mounts are gone afterwards: open everything
// that is needed from them before. The caller must be single-threaded. Its root and working directory become the empty
// base. Nothing of it is visible to or propagates to the host.
// Errors: kDenied without CAP_SYS_ADMIN, kIo naming the call; the process is then to be given up.
Result<BaseNamespace> enter_base_namespace();

}  // namespace cella::runtime
