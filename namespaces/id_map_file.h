// Writing a user namespace's id maps, and naming the namespaces of a process, through a trusted procfs.
#pragma once

#include <sys/types.h>
#include <string>

#include "base/fd.h"

namespace cella::namespaces {

// Writes uid_map and gid_map of the (not yet reaped) child `pid`. users, groups: as IdMap::users_text().
// Errors: kInvalid when the kernel refuses the text (EINVAL), kDenied (EPERM) when a map was written before.
// Source: user_namespaces(7).
Result<void> write_id_maps(const Fd& procfs, pid_t pid, const std::string& users, const std::string& groups);

// The namespace `name` ("user", "net", …) of a process. pid must be pinned by the caller (a pidfd, an unreaped child).
Result<Fd> open_namespace(const Fd& procfs, pid_t pid, const std::string& name);

// Opens /proc and checks that it is a procfs (C2 in docs/security: a fake proc redirects every later write).
Result<Fd> open_host_procfs();

}  // namespace cella::namespaces
