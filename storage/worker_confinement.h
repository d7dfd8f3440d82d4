// The steps by which a freshly forked worker gives up everything it does not need, for good. Each names the call that
// fails; a worker whose step failed must end.
#pragma once

#include <span>

#include "base/fd.h"

namespace cella::storage {

Result<void> limit_resource(int resource, unsigned long value, const char* name);

// Closes every descriptor but these (repetitions are harmless).
void close_all_but(std::span<const int> kept);

// Becomes root of the user namespace, in mount, network, IPC and UTS namespaces of its own, with `root` (a detached
// mount) as root directory.
Result<void> enter_tree(const Fd& root, const Fd& user_namespace);
// The same with an empty, read-only root directory.
Result<void> enter_empty_tree(const Fd& user_namespace);
// Becomes root of the process's user namespace in its mount namespace; network, IPC and UTS namespaces of its own.
Result<void> join_process(const PidFd& process);

// Keeps what working on files of all owners needs (chown, permissions, file capabilities), and sets NO_NEW_PRIVS.
Result<void> keep_file_capabilities();

// Forbids executing, sockets, mounts, namespaces, keys, BPF and other processes' memory; kills on foreign ABIs.
enum class WorkerThreads : unsigned char { kOne, kMany };
Result<void> forbid_calls(WorkerThreads threads);

}  // namespace cella::storage
