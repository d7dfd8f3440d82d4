// Which signal asks a container's init to shut down.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace cella::manager {

// Bit N-1 is signal N.
struct SignalMasks {
  std::uint64_t blocked = 0;
  std::uint64_t caught = 0;
};

// SigBlk and SigCgt in the text of /proc/PID/status. Errors: kInvalid when they are missing.
Result<SignalMasks> parse_signal_masks(std::string_view status);

// SIGRTMIN+3 (37) for systemd, which reads signals from a signalfd and so blocks them; SIGPWR for inits that handle it
// (sysvinit, OpenRC, busybox); SIGTERM for one that handles only that. nullopt: none shows. The kernel drops signals that
// the first process of a PID namespace does not handle; but one that waits in sigtimedwait(2) gets what it waits for,
// and meanwhile its masks do not show it.
// Source: liblxc do_lxcapi_shutdown(), systemd(1), busybox init/init.c, pid_namespaces(7).
std::optional<int> choose_stop_signal(const SignalMasks& masks);

// The masks of a process of this host now. Errors: kNotFound when it is gone.
Result<SignalMasks> read_signal_masks(int pid);

}  // namespace cella::manager
