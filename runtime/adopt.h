// Finding containers again that an earlier keeper launched.
#pragma once

#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/client.h"

namespace cella::runtime {

// What is known about a container's init from the time it was launched.
struct RecordedInit {
  ProcessIdentity identity;
  std::string cgroup;  // below the v2 root; init may have moved to a cgroup below it
  std::string handle;  // pidfs handle, empty if there is none
};

// The process if it still is the recorded one, nullopt when it has ended or its pid means another process now.
//
// With a handle the kernel names the process itself; without one (or before Linux 6.14) it is opened by pid. Either way
// start time and cgroup must agree: handles and pids count from the start again with every boot.
// Errors: kIo when the kernel cannot be asked.
Result<std::optional<PidFd>> find_recorded_init(const Fd& procfs, const RecordedInit& recorded);

// True when `cgroup` is `parent` or lies below it.
bool is_within_cgroup(std::string_view cgroup, std::string_view parent);

}  // namespace cella::runtime
