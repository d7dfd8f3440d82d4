// Loading the device program into the kernel and putting it on cgroups.
#pragma once

#include <vector>

#include "base/fd.h"
#include "cgroups/cgroup.h"
#include "cgroups/device_program.h"

namespace cella::cgroups {

// A program in the kernel. One may serve any number of cgroups, so load it once per rule list. The kernel keeps it
// while a cgroup uses it, whether this object lives or not. Const members may be called by several threads.
class DeviceFilter {
 public:
  // Errors: kUnsupported when the kernel lacks BPF or cgroup device programs; kDenied without CAP_BPF (or CAP_SYS_ADMIN).
  static Result<DeviceFilter> load(const std::vector<DeviceRule>& rules);

  // Puts the filter on the cgroup (and all below it). One that an earlier call put there is replaced in one step, so
  // there is no moment without; the same program again changes nothing. Programs of others stay and must agree too.
  // Source: bpf(2) BPF_PROG_ATTACH with BPF_F_ALLOW_MULTI | BPF_F_REPLACE (Linux 5.6).
  Result<void> attach(const Cgroup& cgroup) const;

 private:
  explicit DeviceFilter(Fd program) : program_(std::move(program)) {}
  Fd program_;
};

// How many device programs made by load() the cgroup itself carries (0 or 1).
Result<int> count_device_filters(const Cgroup& cgroup);

}  // namespace cella::cgroups
