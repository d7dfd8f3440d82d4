// limits.cpu as a number of CPUs: keeps containers that asked for so many spread over the host.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "cgroups/cpu_set.h"
#include "cgroups/notation.h"

namespace cella::manager {

class InstanceSet;

// Thread-safe; one balancing at a time. Costs nothing while no container has limits.cpu.
class CpuBalance {
 public:
  CpuBalance(InstanceSet& set, cgroups::CpuSet usable) : set_(set), usable_(std::move(usable)) {}

  // The CPUs for a container about to start with this request; moves others to make room. The newcomer counts from when
  // it runs: call rebalance() after a failed start. Errors of moving others do not matter to it and are left out.
  std::optional<cgroups::CpuSet> place(const std::string& name, const std::optional<cgroups::CpuRequest>& request);

  // Spreads the running containers anew, after one stopped or changed its request.
  void rebalance();

 private:
  std::optional<cgroups::CpuSet> balance(const std::string* newcomer,
                                         const std::optional<cgroups::CpuRequest>& request);
  InstanceSet& set_;
  const cgroups::CpuSet usable_;
  std::mutex mutex_;
};

}  // namespace cella::manager
