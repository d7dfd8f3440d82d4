// What the daemon does to its own process before it serves: memory, limits, mounts, and word to systemd.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace cella::daemon {

// Few heap arenas that give memory back early: a daemon is idle most of its life. Before any thread exists.
void limit_memory();

// Raises the soft limit of open files to the hard one: every container and session holds some.
void raise_file_limit();

// Gives the process a mount namespace of its own whose mounts nobody else sees, while changes outside still come in.
// Before any thread exists. Errors: kDenied without CAP_SYS_ADMIN.
Result<void> enter_mount_namespace();

// "" → nullopt. Errors: kNotFound naming the group.
Result<std::optional<gid_t>> find_group(const std::string& name);

// Tells systemd (sd_notify(3)) when $NOTIFY_SOCKET is set, "READY=1" for example; without one nothing happens.
void notify_systemd(const std::string& state);

}  // namespace cella::daemon
