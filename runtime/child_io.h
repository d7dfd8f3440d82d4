// The child's end of the socket to its launcher. Runs after clone: no allocation.
#pragma once

#include <cstddef>

#include "runtime/child.h"

namespace cella::runtime {

// At most this many descriptors come with a go (mounts made after the id maps).
inline constexpr std::size_t kMaxLateDescriptors = 64;

// Waits for one of the launcher's one-byte goes and stores the descriptors that came with it. Returns their number, or -1 when
// the launcher is gone or gave up.
int receive_go(int socket, int* late, std::size_t capacity) noexcept;

// Sends a report, with `descriptor` attached unless it is -1. A launcher that is gone is not an error worth telling.
void send_report(int socket, const ChildReport& report, int descriptor) noexcept;

}  // namespace cella::runtime
