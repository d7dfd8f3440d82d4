// Entering the namespaces of a running container. Runs after clone: no allocation, errors as errno values.
#pragma once

#include <cstdint>

namespace cella::namespaces {

// Joins the given CLONE_NEW* namespaces of the process behind pidfd in one call, so that the kernel checks permissions
// against the state before the first of them. The PID namespace only becomes that of children. 0 or an errno.
// Before the call a process must make itself undumpable, else the container's root could ptrace it (CVE-2016-9962).
// Source: setns(2), pidfd since Linux 5.8.
int join_namespaces(int pidfd, std::uint64_t namespaces) noexcept;

}  // namespace cella::namespaces
