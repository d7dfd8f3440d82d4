// The container's first process between clone and execve. Everything here runs after clone: no allocation, no locks, no
// exceptions; it reads structures that the launcher prepared and reports {step, errno} over a CLOEXEC socket.
#pragma once

#include <linux/filter.h>
#include <array>
#include <cstdint>

#include "runtime/plan.h"

namespace cella::runtime {

// Messages from the child to the launcher (SOCK_SEQPACKET), native layout: both ends are one program.
// kReady comes right before seccomp and execve, with the console master attached if there is one; kFailed may follow.
// End of file after kReady: execve succeeded.
struct ChildReport {
  enum class Kind : std::uint32_t { kReady, kFailed };
  Kind kind = Kind::kReady;
  LaunchFailure failure;                                // kFailed
  std::array<std::uint64_t, kLaunchStepCount> clock{};  // kReady: CLOCK_MONOTONIC ns when each step was done, else 0
};

// What the launcher prepares before clone.
struct ChildInput {
  const LaunchPlan* plan = nullptr;
  int socket = -1;           // the child's end
  int launcher_socket = -1;  // the other end, closed first: its owner's death must read as end of file
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  int* descriptors = nullptr;           // plan's indexes; late ones are filled in by the child
  std::size_t descriptor_count = 0;     // known before clone
  std::size_t descriptor_capacity = 0;  // with room for late ones
  bool awaits_late_mounts = false;      // a second go brings descriptors, once the child has made its file systems
  sock_fprog seccomp{};
};

// Waits for the launcher's go, sets the container up and executes its program. Never returns.
[[noreturn]] void run_child(const ChildInput& input) noexcept;

}  // namespace cella::runtime
