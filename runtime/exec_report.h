// What a process that works inside a container for the daemon tells it: the socket is the daemon's, given along with the
// request, so that the keeper never waits for anything a container can delay.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"

namespace cella::runtime {

enum class ReportKind : std::uint8_t {
  kFailed = 1,  // step and errno_value say what; the process is gone
  kTerminal,    // a pty master travels beside the report
  kDone,        // a change inside the container is complete (an exec that succeeds just closes the socket)
};

// One SEQPACKET message, host byte order: both ends are on one machine and of one build of the protocol.
struct Report {
  ReportKind kind = ReportKind::kFailed;
  std::uint8_t step = 0;
  std::uint16_t unused = 0;
  std::int32_t errno_value = 0;
};
static_assert(sizeof(Report) == 8);

// Sends a report, with a descriptor unless it is -1. Makes only system calls. False: the daemon is gone.
bool send_report(int socket, const Report& report, int descriptor = -1) noexcept;

}  // namespace cella::runtime
