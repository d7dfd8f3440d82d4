// The pids controller: how many processes and threads a cgroup may hold.
#pragma once

#include <cstdint>
#include <optional>

#include "cgroups/cgroup.h"

namespace cella::cgroups {

// Sets pids.max; nullopt: "max". Processes over a new, lower limit stay; only new ones are refused (EAGAIN).
Result<void> set_pids_max(const Cgroup& cgroup, std::optional<std::uint64_t> limit);
Result<std::uint64_t> read_pids_current(const Cgroup& cgroup);
// How many forks were refused by this limit (pids.events "max").
Result<std::uint64_t> read_pids_refused(const Cgroup& cgroup);
// The processes and threads in the cgroup and below: pids.current, or counted from cgroup.threads without the controller.
Result<std::uint64_t> count_processes(const Cgroup& cgroup);

}  // namespace cella::cgroups
